import { statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { UserError } from '#base'
import {
  type FieldErrors,
  type IdentityExpression,
  IdentityProblem,
  Path,
  compileIdentity,
  dnsSubdomainErrors,
  fieldError,
  parseDuration,
} from '#api'
import type { AccessWebhookOptions } from './webhooks/access-webhook.ts'
import { type DocumentKind, type Shape, readDocument } from './shape.ts'
import { readWebhookKubeconfig } from './webhooks/webhook-kubeconfig.ts'

/** One authorizer of the list, in its place. */
export type AuthorizerChoice =
  | { readonly type: 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny' }
  | { readonly type: 'Webhook'; readonly webhook: AccessWebhookOptions }

interface AuthorizationConfiguration {
  readonly authorizers?: readonly { readonly type?: string; readonly name?: string; readonly webhook?: Webhook }[]
}
interface Webhook {
  readonly authorizedTTL?: string
  readonly cacheAuthorizedRequests?: boolean
  readonly unauthorizedTTL?: string
  readonly cacheUnauthorizedRequests?: boolean
  readonly timeout?: string
  readonly subjectAccessReviewVersion?: string
  readonly matchConditionSubjectAccessReviewVersion?: string
  readonly failurePolicy?: string
  readonly connectionInfo?: { readonly type?: string; readonly kubeConfigFile?: string }
  readonly matchConditions?: readonly { readonly expression?: string }[]
}

const texts = (...names: readonly string[]): Readonly<Record<string, Shape>> =>
  Object.fromEntries(names.map((name) => [name, 'text' as const]))

const AUTHORIZATION_CONFIGURATION: DocumentKind = {
  group: 'apiserver.config.k8s.io',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  kind: 'AuthorizationConfiguration',
  fields: {
    authorizers: {
      listOf: {
        fields: {
          ...texts('type', 'name'),
          webhook: {
            fields: {
              ...texts('authorizedTTL', 'unauthorizedTTL', 'timeout', 'subjectAccessReviewVersion'),
              ...texts('matchConditionSubjectAccessReviewVersion', 'failurePolicy'),
              cacheAuthorizedRequests: 'boolean',
              cacheUnauthorizedRequests: 'boolean',
              connectionInfo: { fields: texts('type', 'kubeConfigFile') },
              matchConditions: { listOf: { fields: texts('expression') } },
            },
          },
        },
      },
    },
  },
}

export const MODES = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const
const MOST_CONDITIONS = 64
const LONGEST_TIMEOUT_MS = 30_000

/** Reads a file whole. Throws `UserError` with all that is wrong. */
export function readAuthorizers(text: string, file: string): readonly AuthorizerChoice[] {
  const { authorizers = [] } = readDocument<AuthorizationConfiguration>(text, file, AUTHORIZATION_CONFIGURATION)
  const errors: FieldErrors = []
  const path = Path.of('authorizers')
  if (authorizers.length === 0) errors.push(fieldError.required(path, 'at least one authorization mode must be defined'))
  const types = new Set<string>()
  const names = new Set<string>()
  const choices = authorizers.flatMap(({ type = '', name = '', webhook }, index): AuthorizerChoice[] => {
    const at = path.index(index)
    const known = MODES.find((one) => one === type)
    if (type === '') errors.push(fieldError.required(at.child('type')))
    else if (known === undefined) errors.push(fieldError.notSupported(at.child('type'), type, MODES))
    else if (types.has(type) && type !== 'Webhook') errors.push(fieldError.duplicate(at.child('type'), type))
    else {
      types.add(type)
      checkName(name, names, at.child('name'), errors)
      if (known !== 'Webhook') {
        if (webhook !== undefined)
          errors.push(fieldError.invalid(at.child('webhook'), 'non-null', 'may only be specified when type=Webhook'))
        return [{ type: known }]
      }
      if (webhook === undefined) errors.push(fieldError.required(at.child('webhook'), 'required when type=Webhook'))
      else return webhookChoice(name, webhook, at, errors)
    }
    return []
  })
  if (errors.length > 0) {
    const all = errors.map(({ field, message }) => `${field}: ${message}`).join('; ')
    throw new UserError(`${file}: ${all}`, 'see https://kubernetes.io/docs/reference/access-authn-authz/authorization/')
  }
  return choices
}

function checkName(name: string, seen: Set<string>, path: Path, errors: FieldErrors): void {
  if (name === '') errors.push(fieldError.required(path))
  else if (seen.has(name)) errors.push(fieldError.duplicate(path, name))
  else {
    const why = dnsSubdomainErrors(name)
    if (why.length > 0) errors.push(fieldError.invalid(path, name, `authorizer name is invalid: ${why.join(', ')}`))
  }
  seen.add(name)
}

/** The fields are named as Kubernetes names them in its messages: below the authorizer. */
function webhookChoice(name: string, webhook: Webhook, path: Path, errors: FieldErrors): AuthorizerChoice[] {
  const before = errors.length
  const timeoutMs = time(webhook.timeout, path.child('timeout'), LONGEST_TIMEOUT_MS, errors)
  const allowedMs = time(webhook.authorizedTTL, path.child('authorizedTTL'), Infinity, errors)
  const otherMs = time(webhook.unauthorizedTTL, path.child('unauthorizedTTL'), Infinity, errors)
  const version = oneOf(webhook.subjectAccessReviewVersion, ['v1', 'v1beta1'], path.child('subjectAccessReviewVersion'), errors)
  const { matchConditions = [], matchConditionSubjectAccessReviewVersion: seenAs = '' } = webhook
  const seenAt = path.child('matchConditionSubjectAccessReviewVersion')
  if (seenAs === '' && matchConditions.length > 0) errors.push(fieldError.required(seenAt, 'required if match conditions are specified'))
  if (seenAs !== '' && seenAs !== 'v1') errors.push(fieldError.notSupported(seenAt, seenAs, ['v1']))
  const policy = oneOf(webhook.failurePolicy, ['NoOpinion', 'Deny'], path.child('failurePolicy'), errors)
  const file = kubeconfigFile(webhook.connectionInfo ?? {}, path.child('connectionInfo'), errors)
  const conditions = compiledConditions(matchConditions, path.child('matchConditions'), errors)
  if (errors.length > before || file === undefined) return []
  return [
    {
      type: 'Webhook',
      webhook: {
        name,
        address: readWebhookKubeconfig(file),
        version: version === 'v1' ? 'v1' : 'v1beta1',
        timeoutMs,
        allowedMs: webhook.cacheAuthorizedRequests === false ? 0 : allowedMs,
        otherMs: webhook.cacheUnauthorizedRequests === false ? 0 : otherMs,
        onFailure: policy === 'Deny' ? 'deny' : 'no-opinion',
        conditions,
      },
    },
  ]
}

function time(text: string | undefined, path: Path, mostMs: number, errors: FieldErrors): number {
  const value = text === undefined ? 0 : parseDuration(text)
  if (typeof value === 'string') errors.push(fieldError.invalid(path, text, value))
  else if (value === 0) errors.push(fieldError.required(path))
  else if (value < 0 || value > mostMs)
    errors.push(fieldError.invalid(path, text, mostMs === Infinity ? 'must be > 0s' : `must be > 0s and <= ${mostMs / 1000}s`))
  return typeof value === 'string' ? 0 : value
}

function oneOf(value: string | undefined, supported: readonly string[], path: Path, errors: FieldErrors): string | undefined {
  if (value === undefined || value === '') errors.push(fieldError.required(path))
  else if (!supported.includes(value)) errors.push(fieldError.notSupported(path, value, supported))
  return value
}

function kubeconfigFile(
  { type = '', kubeConfigFile: file = '' }: NonNullable<Webhook['connectionInfo']>,
  path: Path,
  errors: FieldErrors,
): string | undefined {
  const at = path.child('kubeConfigFile')
  if (type === '') errors.push(fieldError.required(path.child('type')))
  // The other kind, InClusterConfig, is for servers that are pods.
  else if (type !== 'KubeConfigFile') errors.push(fieldError.notSupported(path.child('type'), type, ['KubeConfigFile']))
  else if (file === '') errors.push(fieldError.required(at))
  else if (!isAbsolute(file)) errors.push(fieldError.invalid(at, file, 'must be an absolute path'))
  else if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) errors.push(fieldError.invalid(at, file, 'must be a regular file'))
  else return file
  return undefined
}

function compiledConditions(
  conditions: readonly { readonly expression?: string }[],
  path: Path,
  errors: FieldErrors,
): readonly IdentityExpression[] {
  if (conditions.length > MOST_CONDITIONS) {
    errors.push(fieldError.tooMany(path, conditions.length, MOST_CONDITIONS))
    return []
  }
  const seen = new Set<string>()
  return conditions.flatMap(({ expression = '' }, index) => {
    const at = path.index(index).child('expression')
    if (expression.trim() === '') errors.push(fieldError.required(at))
    else if (seen.has(expression)) errors.push(fieldError.duplicate(at, expression))
    else {
      seen.add(expression)
      const compiled = compileIdentity(expression, 'request', 'bool')
      if (!(compiled instanceof IdentityProblem)) return [compiled]
      errors.push(fieldError.invalid(at, expression, compiled.text))
    }
    return []
  })
}
