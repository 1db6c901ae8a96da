import type { Scope } from '#base'
import { type IdentityExpression, parseFieldSelector, parseLabelSelector } from '#api'
import type { AccessQuestion, Authorizer, Decision } from '../../../contract.ts'
import { RemoteError } from '../../../remote/remote-error.ts'
import { NO_OPINION } from '../../authorize/authorize.ts'
import { ExpiringAnswers } from './expiring-answers.ts'
import { WebhookClient } from './webhook-client.ts'
import type { WebhookAddress } from './webhook-kubeconfig.ts'

export interface AccessWebhookOptions {
  readonly name: string
  readonly address: WebhookAddress
  readonly version: 'v1' | 'v1beta1'
  readonly timeoutMs: number
  /** How long a yes and anything else are good. 0: not kept. */
  readonly allowedMs: number
  readonly otherMs: number
  /** What it means that the webhook, or a condition, does not answer. */
  readonly onFailure: 'deny' | 'no-opinion'
  /** It is asked only when all of them hold. */
  readonly conditions: readonly IdentityExpression[]
}

const REMEMBERED = 8192
/** Questions that are longer are not kept: who asks chooses their length. */
const LONGEST_KEPT = 10_000

type Spec = Readonly<Record<string, unknown>>

/** A server that decides, asked by SubjectAccessReviews. Answers at once where nothing has to be asked. */
export function accessWebhook(scope: Scope, options: AccessWebhookOptions): Authorizer {
  const client = new WebhookClient(scope, options.address, options.timeoutMs)
  const known = new ExpiringAnswers<Decision>(scope.clock, REMEMBERED)
  const { onFailure, conditions, version } = options
  const failed = (why: string): Decision => {
    scope.log.warn('the webhook for access does not answer', { webhook: options.name, reason: why })
    return { kind: onFailure, reason: '', error: why }
  }
  const ask = async (within: Scope, spec: Spec, key: string | undefined): Promise<Decision> => {
    try {
      const status = await client.review(within, {
        apiVersion: `authorization.k8s.io/${version}`,
        kind: 'SubjectAccessReview',
        spec: version === 'v1' ? spec : olderForm(spec),
      })
      const decision = decisionOf(status)
      if (key !== undefined) known.keep(key, decision, decision.kind === 'allow' ? options.allowedMs : options.otherMs)
      return decision
    } catch (error) {
      if (error instanceof RemoteError) return failed(error.message)
      throw error
    }
  }
  return {
    name: options.name,
    authorize(within, question) {
      if (conditions.length > 0) {
        const matches = meets(conditions, question)
        if (matches === false) return NO_OPINION
        if (matches !== true) return failed(matches)
      }
      const spec = specOf(question)
      const key = sizeOf(question) < LONGEST_KEPT ? JSON.stringify(spec) : undefined
      const remembered = key === undefined ? undefined : known.get(key)
      return remembered ?? ask(within, spec, key)
    },
  }
}

/** One that does not hold decides, even when others cannot be evaluated. A text: nobody can say, and why. */
function meets(conditions: readonly IdentityExpression[], question: AccessQuestion): boolean | string {
  const request = requestOf(question)
  const problems: string[] = []
  for (const condition of conditions) {
    const value = condition.evaluate(request)
    if (value === false) return false
    if (value === true) continue
    problems.push(
      typeof value === 'object' && value !== null && 'unfit' in value
        ? `cel evaluation error: expression '${condition.source}' resulted in error: ${value.unfit}`
        : `cel evaluation error: expression '${condition.source}' should evaluate to bool`,
    )
  }
  return problems.length === 0 || (problems.length === 1 ? problems.join('') : `[${problems.join(', ')}]`)
}

/** The question as conditions see it: all fields are there. */
function requestOf(question: AccessQuestion): Spec {
  const { user, isResource, namespace, verb, group, version, resource, subresource, name, path } = question
  return {
    user: user.name,
    groups: user.groups,
    uid: user.uid ?? '',
    extra: user.extra,
    ...(isResource
      ? { resourceAttributes: { namespace, verb, group, version, resource, subresource, name, ...selectorsOf(question) } }
      : { nonResourceAttributes: { path, verb } }),
  }
}

/** The question as it is sent: empty fields are left out. */
function specOf(question: AccessQuestion): Spec {
  const { resourceAttributes, nonResourceAttributes, ...who } = requestOf(question)
  return {
    ...(resourceAttributes === undefined ? {} : { resourceAttributes: filled(resourceAttributes as Spec) }),
    ...(nonResourceAttributes === undefined ? {} : { nonResourceAttributes: filled(nonResourceAttributes as Spec) }),
    ...filled(who),
  }
}

function filled(fields: Spec): Spec {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== '' && (typeof value !== 'object' || value === null || Object.keys(value).length > 0),
    ),
  )
}

/** v1beta1 calls the groups `group`. */
function olderForm({ groups, ...spec }: Spec): Spec {
  return groups === undefined ? spec : { ...spec, group: groups }
}

const LABEL_OPERATORS: Readonly<Record<string, string>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
}

/** Requirements that cannot be said are left out: the question is then about more objects, never about fewer. */
function selectorsOf({ fieldSelector, labelSelector }: AccessQuestion): Spec {
  const fields = readOr([], () =>
    parseFieldSelector(fieldSelector ?? '').map(({ path, operator, value }) => ({
      key: path,
      operator: operator === '=' ? 'In' : 'NotIn',
      values: [value],
    })),
  )
  const labels = readOr([], () =>
    parseLabelSelector(labelSelector ?? '').requirements.flatMap(({ key, operator, values }) => {
      const said = LABEL_OPERATORS[operator]
      return said === undefined ? [] : [{ key, operator: said, ...(values.length === 0 ? {} : { values }) }]
    }),
  )
  return {
    ...(fields.length === 0 ? {} : { fieldSelector: { requirements: fields } }),
    ...(labels.length === 0 ? {} : { labelSelector: { requirements: labels } }),
  }
}

function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read()
  } catch {
    // Text that is no selector: the request fails later, by itself.
    return otherwise
  }
}

function sizeOf({
  namespace,
  verb,
  group,
  version,
  resource,
  subresource,
  name,
  path,
  fieldSelector = '',
  labelSelector = '',
}: AccessQuestion): number {
  return [namespace, verb, group, version, resource, subresource, name, path, fieldSelector, labelSelector].join('').length
}

function decisionOf({ allowed, denied, reason: said }: Spec): Decision {
  const reason = typeof said === 'string' ? said : ''
  if (denied === true && allowed === true)
    return { kind: 'deny', reason, error: 'webhook subject access review returned both allow and deny response' }
  if (denied === true) return { kind: 'deny', reason }
  return allowed === true ? { kind: 'allow', reason } : { kind: 'no-opinion', reason }
}
