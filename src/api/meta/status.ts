import { SampanError } from '#base/pure'
import type { FieldError } from './field-error.ts'

/** metav1.Status: how every refusal travels. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, unknown>
  status: 'Success' | 'Failure'
  message?: string
  reason?: StatusReason
  details?: StatusDetails
  code: number
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

export interface StatusCause {
  reason?: string
  message?: string
  field?: string
}

export const REASONS = {
  unauthorized: 'Unauthorized',
  forbidden: 'Forbidden',
  notFound: 'NotFound',
  alreadyExists: 'AlreadyExists',
  conflict: 'Conflict',
  gone: 'Gone',
  invalid: 'Invalid',
  serverTimeout: 'ServerTimeout',
  timeout: 'Timeout',
  tooManyRequests: 'TooManyRequests',
  badRequest: 'BadRequest',
  methodNotAllowed: 'MethodNotAllowed',
  notAcceptable: 'NotAcceptable',
  requestEntityTooLarge: 'RequestEntityTooLarge',
  unsupportedMediaType: 'UnsupportedMediaType',
  internalError: 'InternalError',
  expired: 'Expired',
  serviceUnavailable: 'ServiceUnavailable',
} as const
export type StatusReason = (typeof REASONS)[keyof typeof REASONS] | (string & {})

/** A refusal by the API. Thrown by the server's parts, turned into an answer in one place, thrown again by the client. */
export class StatusError extends SampanError {
  readonly code = 'API_STATUS'
  readonly status: Status
  /** Extra answer headers, such as Retry-After. */
  readonly headers: Readonly<Record<string, string>>
  constructor(
    status: Omit<Status, 'kind' | 'apiVersion' | 'metadata' | 'status'> & { readonly metadata?: Record<string, unknown> },
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(status.message ?? '')
    this.status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...status }
    this.headers = headers
  }
  get httpStatus(): number {
    return this.status.code
  }
  get reason(): StatusReason {
    return this.status.reason ?? ''
  }
}

export function hasReason(error: unknown, reason: StatusReason): error is StatusError {
  return error instanceof StatusError && error.reason === reason
}
export const isNotFound = (error: unknown): boolean => hasReason(error, REASONS.notFound)
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, REASONS.alreadyExists)
export const isConflict = (error: unknown): boolean => hasReason(error, REASONS.conflict)
/** The resourceVersion asked for is no longer in the history: list again. */
export const isExpired = (error: unknown): boolean => hasReason(error, REASONS.expired) || hasReason(error, REASONS.gone)

/** What an error speaks of: a resource (plural) of a group. */
export interface GroupResource {
  readonly group: string
  readonly plural: string
}
export interface GroupKind {
  readonly group: string
  readonly kind: string
}

const qualified = (of: GroupResource): string => (of.group === '' ? of.plural : `${of.plural}.${of.group}`)
const details = (of: GroupResource, name: string): StatusDetails => ({
  ...(name === '' ? {} : { name }),
  ...(of.group === '' ? {} : { group: of.group }),
  ...(of.plural === '' ? {} : { kind: of.plural }),
})

/** Refusals in Kubernetes' words (k8s.io/apimachinery `api/errors`). */
export const statusError = {
  notFound: (of: GroupResource, name: string): StatusError =>
    new StatusError({ code: 404, reason: REASONS.notFound, details: details(of, name), message: `${qualified(of)} "${name}" not found` }),
  alreadyExists: (of: GroupResource, name: string): StatusError =>
    new StatusError({
      code: 409,
      reason: REASONS.alreadyExists,
      details: details(of, name),
      message: `${qualified(of)} "${name}" already exists`,
    }),
  conflict: (of: GroupResource, name: string, why: string): StatusError =>
    new StatusError({
      code: 409,
      reason: REASONS.conflict,
      details: details(of, name),
      message: `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`,
    }),
  forbidden: (of: GroupResource, name: string, why: string): StatusError =>
    new StatusError({
      code: 403,
      reason: REASONS.forbidden,
      details: details(of, name),
      message:
        of.plural === ''
          ? `forbidden: ${why}`
          : name === ''
            ? `${qualified(of)} is forbidden: ${why}`
            : `${qualified(of)} "${name}" is forbidden: ${why}`,
    }),
  unauthorized: (message = 'Unauthorized'): StatusError => new StatusError({ code: 401, reason: REASONS.unauthorized, message }),
  badRequest: (message: string): StatusError => new StatusError({ code: 400, reason: REASONS.badRequest, message }),
  /** All causes at once, in the order in which validation found them. */
  invalid: (of: GroupKind, name: string, errors: readonly FieldError[]): StatusError => {
    const lines = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))]
    const text = lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`
    return new StatusError({
      code: 422,
      reason: REASONS.invalid,
      message: `${of.group === '' ? of.kind : `${of.kind}.${of.group}`} "${name}" is invalid${lines.length === 0 ? '' : `: ${text}`}`,
      details: {
        ...(name === '' ? {} : { name }),
        ...(of.group === '' ? {} : { group: of.group }),
        ...(of.kind === '' ? {} : { kind: of.kind }),
        ...(errors.length === 0
          ? {}
          : { causes: errors.map((error) => ({ reason: error.type, message: error.message, field: error.field })) }),
      },
    })
  },
  methodNotAllowed: (of: GroupResource, action: string): StatusError =>
    new StatusError({
      code: 405,
      reason: REASONS.methodNotAllowed,
      details: details(of, ''),
      message: `${action} is not supported on resources of kind "${qualified(of)}"`,
    }),
  expired: (message: string): StatusError => new StatusError({ code: 410, reason: REASONS.expired, message }),
  tooLarge: (message: string): StatusError => new StatusError({ code: 413, reason: REASONS.requestEntityTooLarge, message }),
  tooManyRequests: (message: string, retryAfterSeconds: number): StatusError =>
    new StatusError(
      { code: 429, reason: REASONS.tooManyRequests, message, details: { retryAfterSeconds } },
      { 'retry-after': String(retryAfterSeconds) },
    ),
  internal: (message: string): StatusError =>
    new StatusError({
      code: 500,
      reason: REASONS.internalError,
      message: `Internal error occurred: ${message}`,
      details: { causes: [{ message }] },
    }),
  unavailable: (message: string): StatusError => new StatusError({ code: 503, reason: REASONS.serviceUnavailable, message }),
}
