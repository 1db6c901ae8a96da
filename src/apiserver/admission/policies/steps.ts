import type { Scope } from '#base'
import {
  type PolicyInput,
  type Resource,
  type admissionregistration,
  StatusError,
  mutateByPolicy,
  mutationsOf,
  validateByPolicy,
  wantsToMutate,
} from '#api'
import type { AdmissionRequest, AdmissionStep } from '../../contract.ts'
import type { Follow } from '../../registry/read/follow.ts'
import { Rounds } from '../rounds.ts'
import { changeDraft } from '../webhooks/apply-patch.ts'
import { isExempt } from '../webhooks/match.ts'
import { wireForm } from '../webhooks/review.ts'
import { AuditNotes } from './audit-notes.ts'
import { type InputSources, inputOf } from './input.ts'
import { type Ask, type Invocation, type PolicySources, invocationsFor } from './invocations.ts'
import { Policies, type Policy, mutatingRefs, validatingRefs } from './policies.ts'
import { LateAnswers } from './late-answers.ts'
import { denial, failedMutations } from './refusals.ts'

export interface PolicyOptions extends PolicySources, InputSources {
  readonly follow: Follow
}

type ValidatingSpec = admissionregistration.ValidatingAdmissionPolicySpec
type MutatingSpec = admissionregistration.MutatingAdmissionPolicySpec

/** The policies of the users in CEL: those that change objects, and those that refuse them. */
export function policySteps(scope: Scope, options: PolicyOptions): readonly AdmissionStep[] {
  const mutating = new Policies<MutatingSpec>(scope, options, ...mutatingRefs)
  const validating = new Policies<ValidatingSpec>(scope, options, ...validatingRefs)
  return [
    {
      name: MUTATING,
      handles: (request) => mutating.current().length > 0 && request.operation !== 'DELETE' && !isExempt(request),
      mutate: (own, request) => mutateBy(own, mutating.current(), request, options),
    },
    {
      name: 'ValidatingAdmissionPolicy',
      handles: (request) => validating.current().length > 0 && !isExempt(request),
      validate: (own, request) => validateBy(own, validating.current(), request, options),
    },
  ]
}

const MUTATING = 'MutatingAdmissionPolicy'

function paramsOf({ params }: Ask): unknown {
  return params === undefined ? null : (wireForm(params.resource, params.object) ?? null)
}

interface Denied {
  readonly message: string
  readonly reason: string
}

async function validateBy(
  scope: Scope,
  policies: readonly Policy<ValidatingSpec>[],
  request: AdmissionRequest,
  options: PolicyOptions,
): Promise<void> {
  const late = new LateAnswers()
  const inputs = new Map<Resource, PolicyInput>()
  const notes = new AuditNotes()
  let first: Denied | undefined
  for (const invocation of invocationsFor(policies, request, options)) {
    const { policy, binding, ask } = invocation
    const by = `ValidatingAdmissionPolicy '${policy.name}'${binding === undefined ? '' : ` with binding '${binding.name}'`}`
    if (ask === undefined) {
      const what = binding === undefined ? 'policy' : 'binding'
      if (policy.spec.failurePolicy !== 'Ignore')
        first ??= { message: `${by} denied request: failed to configure ${what}: ${invocation.problem}`, reason: '' }
      continue
    }
    const input = inputs.get(ask.resource) ?? (await inputOf(scope, request, ask.resource, options, late))
    inputs.set(ask.resource, input)
    const startedAt = scope.clock.monotonic()
    const evaluated = late.evaluate(() => validateByPolicy(policy.spec, input, paramsOf(ask)))
    const { denials, annotations } = evaluated instanceof Promise ? await evaluated : evaluated
    countChecks(request, policy.name, binding, denials, scope.clock.monotonic() - startedAt)
    for (const { key, value } of annotations) notes.add(`${policy.name}/${key}`, value)
    for (const { message, reason, always, at } of denials) {
      const actions = binding?.spec.validationActions ?? []
      if (always === true || actions.includes('Deny')) first ??= { message: `${by} denied request: ${message}`, reason }
      if (always !== true && actions.includes('Warn')) request.warn(`Validation failed for ${by}: ${message}`)
      if (always !== true && actions.includes('Audit'))
        notes.failure({ message, policy: policy.name, binding: binding?.name ?? '', expressionIndex: at, validationActions: actions })
    }
  }
  notes.write(request)
  if (first !== undefined) throw denial(request, first.message, first.reason)
}

/** One for a request that passes, else one for each action that is taken. */
function countChecks(
  { metrics }: AdmissionRequest,
  policy: string,
  binding: Invocation<Policy<ValidatingSpec>>['binding'],
  denials: ReturnType<typeof validateByPolicy>['denials'],
  ms: number,
): void {
  if (metrics === undefined) return
  const name = binding?.name ?? ''
  if (denials.length === 0) metrics.policy(policy, name, 'no_error', 'allow', ms)
  for (const { reason, always } of denials) {
    const error = reason === '' ? 'invalid_error' : 'no_error'
    const actions = always === true ? ['Deny'] : (binding?.spec.validationActions ?? [])
    for (const action of actions) metrics.policy(policy, name, error, action.toLowerCase(), ms)
  }
}

/** True when a policy has looked at the object and may have changed it, so that what came before must look at it again. */
async function mutateBy(
  scope: Scope,
  policies: readonly Policy<MutatingSpec>[],
  request: AdmissionRequest,
  options: PolicyOptions,
): Promise<boolean> {
  const rounds = Rounds.of(request, MUTATING)
  const problems: string[] = []
  let hasRun = false
  for (const invocation of invocationsFor(policies, request, options)) {
    const { policy, binding, ask } = invocation
    const fail = (message: string): void => {
      const by = binding === undefined ? JSON.stringify(policy.name) : `'${policy.name}' with binding '${binding.name}'`
      if (policy.spec.failurePolicy !== 'Ignore') problems.push(`policy ${by} denied request: ${message}`)
    }
    if (ask === undefined) {
      fail(invocation.problem)
      continue
    }
    const id = idOf(invocation)
    if (rounds.skips(id)) continue
    const counted: CountMutation = (error, ms) => request.metrics?.mutation(policy.name, binding?.name ?? '', error, ms)
    const outcome = await mutateOnce(scope, policy.spec, ask, request, options, counted)
    if (outcome === 'passed over') continue
    outcome.problems.forEach(fail)
    if (outcome.hasChanged) rounds.changed()
    hasRun ||= outcome.hasRun
    if (policy.spec.reinvocationPolicy === 'IfNeeded') rounds.wait(id)
  }
  if (problems.length > 0) throw failedMutations(request, problems)
  // Whoever wants to know of changes is told of its own ones too.
  if (hasRun) rounds.changed()
  rounds.end()
  return hasRun
}

function idOf({ policy, binding, ask }: Invocation<Policy<MutatingSpec>>): string {
  const { namespace = '', name = '' } = ask?.params?.object.metadata ?? {}
  return [policy.name, binding?.name ?? '', namespace, name].join('/')
}

interface Outcome {
  readonly hasChanged: boolean
  /** At least one mutation has gone well, whether it has changed anything or not. */
  readonly hasRun: boolean
  readonly problems: readonly string[]
}

type CountMutation = (error: 'no_error' | 'invalid_error', ms: number) => void

async function mutateOnce(
  scope: Scope,
  spec: MutatingSpec,
  ask: Ask,
  request: AdmissionRequest,
  options: PolicyOptions,
  counted: CountMutation,
): Promise<Outcome | 'passed over'> {
  const { resource } = ask
  const params = paramsOf(ask)
  const late = new LateAnswers()
  let input = await inputOf(scope, request, resource, options, late)
  const wants = await late.evaluate(() => wantsToMutate(spec, input, params))
  if (wants === false) return 'passed over'
  if (wants !== true) return { hasChanged: false, hasRun: false, problems: [wants] }
  let [hasChanged, hasRun] = [false, false]
  const problems: string[] = []
  for (let at = 0; at < mutationsOf(spec); at++) {
    if (at > 0) input = await inputOf(scope, request, resource, options, late)
    const seen = input
    const schema = isOwnKind(request, resource) ? resource.schema : undefined
    const startedAt = scope.clock.monotonic()
    const made = await late.evaluate(() => mutateByPolicy(spec, at, seen, params, schema))
    const { changed, problem } = await applied(scope, request, options, resource, input.object, made)
    counted(problem === undefined ? 'no_error' : 'invalid_error', scope.clock.monotonic() - startedAt)
    if (changed) hasChanged = true
    if (problem === undefined) hasRun = true
    else problems.push(problem)
  }
  return { hasChanged, hasRun, problems }
}

/** Puts what an expression has made in the place of the object. */
async function applied(
  scope: Scope,
  request: AdmissionRequest,
  options: PolicyOptions,
  resource: Resource,
  object: PolicyInput['object'],
  made: ReturnType<typeof mutateByPolicy>,
): Promise<{ readonly changed: boolean; readonly problem?: string }> {
  if (made === undefined) return { changed: false }
  if (typeof made === 'string') return { changed: false, problem: made }
  try {
    return { changed: await changeDraft(scope, options.convert, request, resource, object, made) }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    return { changed: false, problem: error.message }
  }
}

/** Subresources may speak a kind of their own. */
function isOwnKind({ object }: AdmissionRequest, resource: Resource): boolean {
  return object?.kind === undefined || object.kind === resource.kind
}
