import { deepEqual } from '../meta/deep.ts'
import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import type { TextErrors } from './names.ts'

/** A check of one value: pushes what is wrong with it, in Kubernetes' order. */
export type Validate<T> = (value: T, path: Path, errors: FieldErrors) => void

/** Reports each message about a text as an invalid value at the path. */
export function invalidText(value: unknown, messages: TextErrors, path: Path, errors: FieldErrors): void {
  for (const message of messages) errors.push(fieldError.invalid(path, value, message))
}

export const IMMUTABLE = 'field is immutable'

/** Empty and absent are the same, as they are to Kubernetes' semantic equality. */
export function validateImmutable(value: unknown, old: unknown, path: Path, errors: FieldErrors): void {
  if (!semanticEqual(value, old)) errors.push(fieldError.invalid(path, value, IMMUTABLE))
}

function semanticEqual(a: unknown, b: unknown): boolean {
  return deepEqual(a, b) || (isEmpty(a) && isEmpty(b))
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && Object.keys(value).length === 0
}

export const NOT_NEGATIVE = 'must be greater than or equal to 0'

export function validateNonnegative(value: number | undefined, path: Path, errors: FieldErrors): void {
  if (value !== undefined && value < 0) errors.push(fieldError.invalid(path, value, NOT_NEGATIVE))
}

export function validatePositive(value: number | undefined, path: Path, errors: FieldErrors): void {
  if (value !== undefined && value <= 0) errors.push(fieldError.invalid(path, value, 'must be greater than 0'))
}

export function validateInRange(value: number, min: number, max: number, path: Path, errors: FieldErrors): void {
  if (value < min || value > max) errors.push(fieldError.invalid(path, value, `must be between ${min} and ${max}, inclusive`))
}

/** An absent or empty value is not checked: see `validateRequiredEnum`. `supported` in the order of that field's messages. */
export function validateEnum(value: string | undefined, supported: readonly string[], path: Path, errors: FieldErrors): void {
  if (value !== undefined && value !== '' && !supported.includes(value)) errors.push(fieldError.notSupported(path, value, supported))
}

export function validateRequiredEnum(value: string | undefined, supported: readonly string[], path: Path, errors: FieldErrors): void {
  if (validateRequired(value, path, errors)) validateEnum(value, supported, path, errors)
}

/** Whether there is a value; reports it when there is none. */
export function validateRequired(value: string | undefined, path: Path, errors: FieldErrors, detail = ''): value is string {
  if (value !== undefined && value !== '') return true
  errors.push(fieldError.required(path, detail))
  return false
}

/** A path below a volume: no root, no way up. */
export function validateRelativePath(value: string, path: Path, errors: FieldErrors): void {
  if (value.startsWith('/')) errors.push(fieldError.invalid(path, value, 'must be a relative path'))
  validateNoWayUp(value, path, errors)
}

export function validateNoWayUp(value: string, path: Path, errors: FieldErrors): void {
  if (value.split('/').includes('..')) errors.push(fieldError.invalid(path, value, "must not contain '..'"))
}

export function validateAbsolutePath(value: string, path: Path, errors: FieldErrors): void {
  if (!value.startsWith('/')) errors.push(fieldError.invalid(path, value, 'must be an absolute path'))
}

/** A number or a percentage: `maxUnavailable` and its like. */
export function validateIntOrPercent(
  value: string | number,
  path: Path,
  errors: FieldErrors,
  percentMessages: (value: string) => TextErrors,
): void {
  if (typeof value === 'number') validateNonnegative(value, path, errors)
  else invalidText(value, percentMessages(value), path, errors)
}
