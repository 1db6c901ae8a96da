import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import { percentErrors } from '../validation/names.ts'
import { validateIntOrPercent } from '../validation/values.ts'

type IntOrPercent = number | string | undefined

/** A number of pods, or a share of them. */
export function validateShare(value: IntOrPercent, path: Path, errors: FieldErrors): void {
  if (value !== undefined) validateIntOrPercent(value, path, errors, percentErrors)
}

export function validateAtMostAll(value: IntOrPercent, path: Path, errors: FieldErrors): void {
  if (isPercent(value) && shareNumber(value) > 100) errors.push(fieldError.invalid(path, value, 'must not be greater than 100%'))
}

const isPercent = (value: IntOrPercent): value is string => typeof value === 'string' && percentErrors(value).length === 0

/** The number in a count or a percentage; 0 for anything else. */
export function shareNumber(value: IntOrPercent): number {
  if (typeof value === 'number') return value
  return value !== undefined && /^(?:\d+%|[+-]?\d+)$/.test(value) ? Number.parseInt(value, 10) : 0
}
