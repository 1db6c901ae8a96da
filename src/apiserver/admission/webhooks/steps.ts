import type { Scope } from '#base'
import { type Resource, meetsMatchConditions, statusError } from '#api'
import type { AdmissionRequest, AdmissionStep, Authorizer, ObjectReader } from '../../contract.ts'
import type { RemoteCaller } from '../../remote/post-json.ts'
import type { Follow } from '../../registry/read/follow.ts'
import { inputOf } from '../policies/input.ts'
import { LateAnswers } from '../policies/late-answers.ts'
import { Rounds } from '../rounds.ts'
import type { CallFailure } from './call-hook.ts'
import { type Hook, Hooks } from './hooks.ts'
import { isExempt, matchedResource } from './match.ts'
import type { Convert } from './versions.ts'

export interface WebhookOptions {
  readonly reader: ObjectReader
  readonly follow: Follow
  /** For the match conditions of webhooks. */
  readonly authorizers: readonly Authorizer[]
  /** All served versions of the kind. */
  readonly equivalents: (resource: Resource) => readonly Resource[]
  /** Which addresses of endpoints webhooks may be called at. */
  readonly isAllowed: (ip: string) => boolean
  readonly convert: Convert
}

interface Matched {
  readonly hook: Hook
  readonly resource: Resource
}

/** What is needed once a webhook is called: loaded with the first call, since most clusters have none. */
interface Calls {
  readonly caller: RemoteCaller
  readonly modules: typeof import('./calls.ts')
}

/**
 * The webhooks of the users. Mutating ones are asked one after the other, each about the object as the ones before have left it; when one
 * changes it, the others that want to know are asked once more. Validating ones are asked at the same time, about the final object.
 */
export function webhookSteps(scope: Scope, options: WebhookOptions): readonly AdmissionStep[] {
  const mutating = new Hooks(scope, options.reader, options.follow, 'mutating')
  const validating = new Hooks(scope, options.reader, options.follow, 'validating')
  let loading: Promise<Calls> | undefined
  const calls = (): Promise<Calls> => (loading ??= load(scope, options))
  const matching = async (hook: Hook, request: AdmissionRequest): Promise<Matched | undefined> => {
    const resource = matchedResource(hook, request, options.reader, options.equivalents)
    return resource === undefined || !(await meetsConditions(scope, options, hook, request, resource)) ? undefined : { hook, resource }
  }
  return [
    {
      name: 'MutatingAdmissionWebhook',
      handles: (request) => mutating.current().length > 0 && !isExempt(request),
      mutate: (own, request) => mutateBy(own, mutating.current(), request, options.convert, matching, calls),
    },
    {
      name: 'ValidatingAdmissionWebhook',
      handles: (request) => validating.current().length > 0 && !isExempt(request),
      async validate(own, request) {
        const matched: Matched[] = []
        for (const hook of validating.current()) {
          const found = await matching(hook, request)
          if (found !== undefined) matched.push(found)
        }
        if (matched.length === 0) return
        const { caller, modules } = await calls()
        const ask = async ({ hook, resource }: Matched): Promise<void> => {
          try {
            await modules.callHook(own, { caller, convert: options.convert }, hook, request, resource, false)
          } catch (error) {
            if (!(error instanceof modules.CallFailure)) throw error
            failOpen(own, hook, request, 'validating', modules.failedClosed, error)
          }
        }
        const startedAt = scope.clock.monotonic()
        const outcomes = await Promise.allSettled(matched.map(ask))
        request.outside?.(scope.clock.monotonic() - startedAt)
        const refused = outcomes.find((outcome) => outcome.status === 'rejected')
        if (refused !== undefined) throw refused.reason
      },
    },
  ]
}

async function load(scope: Scope, options: WebhookOptions): Promise<Calls> {
  const modules = await import('./calls.ts')
  return { modules, caller: new modules.RemoteCaller(scope, { reader: options.reader, isAllowed: options.isAllowed }) }
}

const NOTE = 'MutatingAdmissionWebhook'

/** True when the object was changed, so that what came before must look at it again. */
async function mutateBy(
  scope: Scope,
  hooks: readonly Hook[],
  request: AdmissionRequest,
  convert: Convert,
  matching: (hook: Hook, request: AdmissionRequest) => Promise<Matched | undefined>,
  calls: () => Promise<Calls>,
): Promise<boolean> {
  const rounds = Rounds.of(request, NOTE)
  let hasChanged = false
  for (const hook of hooks) {
    if (rounds.skips(hook.id)) continue
    const matched = await matching(hook, request)
    if (matched === undefined) continue
    const { caller, modules } = await calls()
    const startedAt = scope.clock.monotonic()
    try {
      const { patch } = await modules
        .callHook(scope, { caller, convert }, hook, request, matched.resource, true)
        .finally(() => request.outside?.(scope.clock.monotonic() - startedAt))
      if (patch !== undefined && (await modules.applyHookPatch(scope, convert, request, matched.resource, hook.webhook.name, patch))) {
        hasChanged = true
        rounds.changed()
      }
    } catch (error) {
      if (!(error instanceof modules.CallFailure)) throw error
      failOpen(scope, hook, request, 'mutation', modules.failedClosed, error)
    }
    if (hook.webhook.reinvocationPolicy === 'IfNeeded') rounds.wait(hook.id)
  }
  rounds.end()
  return hasChanged
}

/** Throws unless the webhook may be missing. */
function failOpen(
  scope: Scope,
  { webhook }: Hook,
  request: AdmissionRequest,
  kind: 'mutation' | 'validating',
  failedClosed: (name: string, failure: CallFailure) => Error,
  failure: CallFailure,
): void {
  if (webhook.failurePolicy !== 'Ignore') throw failedClosed(webhook.name, failure)
  request.metrics?.failedOpen(webhook.name, kind === 'mutation' ? 'admit' : 'validating')
  const round = request.isRepeated === true ? 1 : 0
  request.annotate?.(`failed-open.${kind}.webhook.admission.k8s.io/round_${round}_${webhook.name}`, webhook.name)
  scope.log.warn('a webhook could not be called and was passed over', { webhook: webhook.name, error: failure.message })
}

/** Throws `StatusError` 403 when nobody can say and the webhook must be asked. */
async function meetsConditions(
  scope: Scope,
  options: WebhookOptions,
  { webhook }: Hook,
  request: AdmissionRequest,
  resource: Resource,
): Promise<boolean> {
  const { matchConditions = [], failurePolicy } = webhook
  if (matchConditions.length === 0) return true
  const late = new LateAnswers()
  const input = await inputOf(scope, request, resource, options, late)
  const meets = await late.evaluate(() => meetsMatchConditions(matchConditions, input))
  if (typeof meets === 'boolean') return meets
  if (failurePolicy === 'Ignore') return false
  throw statusError.forbidden(request.resource, request.name, meets)
}
