import { goQuote } from './go-format.ts'
import type { Path } from './path.ts'
import { isUnsetList } from './unset-list.ts'

/**
 * One reason why an object is refused. Validation functions push all they find, in Kubernetes' order, and never throw.
 * Types and wording follow k8s.io/apimachinery `util/validation/field`.
 */
export interface FieldError {
  readonly type: FieldErrorType
  readonly field: string
  /** The cause's message: `Invalid value: "x": must be …`. */
  readonly message: string
}

export const FIELD_ERROR_TYPES = {
  required: 'FieldValueRequired',
  invalid: 'FieldValueInvalid',
  notSupported: 'FieldValueNotSupported',
  duplicate: 'FieldValueDuplicate',
  forbidden: 'FieldValueForbidden',
  tooLong: 'FieldValueTooLong',
  tooMany: 'FieldValueTooMany',
  typeInvalid: 'FieldValueTypeInvalid',
  notFound: 'FieldValueNotFound',
  internal: 'InternalError',
} as const
export type FieldErrorType = (typeof FIELD_ERROR_TYPES)[keyof typeof FIELD_ERROR_TYPES]

/** A value the way Go's `%q`, `%v` or `json.Marshal` shows it inside these messages. */
function show(value: unknown): string {
  if (typeof value === 'string') return goQuote(value)
  return value === undefined || isUnsetList(value) ? 'null' : JSON.stringify(value)
}

const withDetail = (head: string, detail: string): string => (detail === '' ? head : `${head}: ${detail}`)

export const fieldError = {
  required: (path: Path, detail = ''): FieldError => ({
    type: FIELD_ERROR_TYPES.required,
    field: path.toString(),
    message: withDetail('Required value', detail),
  }),
  invalid: (path: Path, value: unknown, detail: string): FieldError => ({
    type: FIELD_ERROR_TYPES.invalid,
    field: path.toString(),
    message: withDetail(`Invalid value: ${show(value)}`, detail),
  }),
  /** An invalid map, which Go shows with its keys in order. */
  invalidMap: (path: Path, map: Readonly<Record<string, unknown>> | undefined, detail: string): FieldError =>
    fieldError.invalid(path, map && inKeyOrder(map), detail),
  /** An invalid value that is shown in a form of its own. */
  invalidAs: (path: Path, shown: string, detail: string): FieldError => ({
    type: FIELD_ERROR_TYPES.invalid,
    field: path.toString(),
    message: `Invalid value: ${shown}: ${detail}`,
  }),
  /** An invalid value that is too large, or too secret, to be shown. */
  invalidUnshown: (path: Path, detail: string): FieldError => ({
    type: FIELD_ERROR_TYPES.invalid,
    field: path.toString(),
    message: `Invalid value: ${detail}`,
  }),
  typeInvalid: (path: Path, value: unknown, detail: string): FieldError => ({
    type: FIELD_ERROR_TYPES.typeInvalid,
    field: path.toString(),
    message: withDetail(`Invalid value: ${show(value)}`, detail),
  }),
  /** `supported` in the order in which Kubernetes lists it for that field. */
  notSupported: (path: Path, value: unknown, supported: readonly string[]): FieldError => ({
    type: FIELD_ERROR_TYPES.notSupported,
    field: path.toString(),
    message: withDetail(
      `Unsupported value: ${show(value)}`,
      supported.length === 0 ? '' : `supported values: ${supported.map((one) => JSON.stringify(one)).join(', ')}`,
    ),
  }),
  duplicate: (path: Path, value: unknown): FieldError => ({
    type: FIELD_ERROR_TYPES.duplicate,
    field: path.toString(),
    message: `Duplicate value: ${show(value)}`,
  }),
  forbidden: (path: Path, detail: string): FieldError => ({
    type: FIELD_ERROR_TYPES.forbidden,
    field: path.toString(),
    message: withDetail('Forbidden', detail),
  }),
  tooLong: (path: Path, maxBytes: number): FieldError => ({
    type: FIELD_ERROR_TYPES.tooLong,
    field: path.toString(),
    message: `Too long: may not be more than ${maxBytes} bytes`,
  }),
  tooMany: (path: Path, actual: number, max: number): FieldError => ({
    type: FIELD_ERROR_TYPES.tooMany,
    field: path.toString(),
    message: `Too many: ${actual}: must have at most ${max} item${max === 1 ? '' : 's'}`,
  }),
  notFound: (path: Path, value: unknown): FieldError => ({
    type: FIELD_ERROR_TYPES.notFound,
    field: path.toString(),
    message: `Not found: ${show(value)}`,
  }),
  internal: (path: Path, detail: string): FieldError => ({
    type: FIELD_ERROR_TYPES.internal,
    field: path.toString(),
    message: `Internal error: ${detail}`,
  }),
}

/** Validation functions write into one of these; the order of writing is the order in the answer. */
export type FieldErrors = FieldError[]

/** As Go shows maps. */
export function inKeyOrder<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)))
}
