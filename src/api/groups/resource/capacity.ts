import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { addQuantities, canonicalQuantity, compareQuantities, quantityValue } from '../../meta/quantity.ts'
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from '../../types/resource-v1.gen.ts'
import { validateSet } from './lists.ts'

const MOST_VALUES = 10

/** Of a device that several claims may share: how much of it each may ask for. */
export function validateSharedCapacity({ value, requestPolicy }: DeviceCapacity, path: Path, errors: FieldErrors): void {
  if (requestPolicy !== undefined) validatePolicy(value, requestPolicy, path.child('requestPolicy'), errors)
}

export function validateWholeCapacity({ requestPolicy }: DeviceCapacity, path: Path, errors: FieldErrors): void {
  if (requestPolicy !== undefined) errors.push(fieldError.forbidden(path.child('requestPolicy'), 'allowMultipleAllocations must be true'))
}

function validatePolicy(capacity: string, policy: CapacityRequestPolicy, path: Path, errors: FieldErrors): void {
  const { validValues = [], validRange } = policy
  const standard = policy.default ?? undefined
  if (validValues.length > 0 && validRange !== undefined) {
    const why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
    errors.push(fieldError.forbidden(path, why))
  } else if (validValues.length > 0) {
    if (standard === undefined) errors.push(fieldError.required(path.child('default'), 'required when validValues is defined'))
    else validateValues(capacity, standard, validValues, path.child('validValues'), errors)
  } else if (validRange !== undefined) {
    if (standard === undefined) errors.push(fieldError.required(path.child('default'), 'required when validRange is defined'))
    else validateRange(capacity, standard, validRange, path.child('validRange'), errors)
  }
}

function validateValues(capacity: string, standard: string, values: readonly string[], path: Path, errors: FieldErrors): void {
  values.forEach((value, at) => {
    if (at > 0 && compareQuantities(values[at - 1] ?? value, value) > 0)
      errors.push(fieldError.invalid(path.index(at), canonicalQuantity(value), 'values must be sorted in ascending order'))
  })
  const one = (value: string, at: Path): void => {
    if (compareQuantities(value, capacity) > 0)
      errors.push(fieldError.invalid(at, canonicalQuantity(value), `option is larger than capacity value: ${canonicalQuantity(capacity)}`))
  }
  validateSet(values, MOST_VALUES, one, (value) => String(quantityValue(value)), path, errors)
  const isLooked = values.length <= MOST_VALUES
  if (!isLooked || !values.some((value) => compareQuantities(value, standard) === 0))
    errors.push(fieldError.invalid(path, canonicalQuantity(standard), 'default value is not valid according to the requestPolicy'))
}

function validateRange(
  capacity: string,
  standard: string,
  { min, max, step }: Partial<CapacityRequestPolicyRange>,
  path: Path,
  errors: FieldErrors,
): void {
  if (min === undefined) {
    errors.push(fieldError.required(path.child('min'), 'required when validRange is defined'))
    return
  }
  const refuseIf = (isWrong: boolean, field: string, value: string, what: string, other: string): void => {
    if (isWrong) errors.push(fieldError.invalid(path.child(field), canonicalQuantity(value), `${what}: ${canonicalQuantity(other)}`))
  }
  const isMore = (a: string, b: string): boolean => compareQuantities(a, b) > 0
  refuseIf(isMore(min, capacity), 'min', min, 'min is larger than capacity value', capacity)
  refuseIf(isMore(min, standard), 'min', standard, 'default is less than min', min)
  if (max !== undefined) {
    refuseIf(isMore(min, max), 'max', min, 'min is larger than max', max)
    refuseIf(isMore(max, capacity), 'max', max, 'max is larger than capacity value', capacity)
    refuseIf(isMore(standard, max), 'max', standard, 'default is more than max', max)
  }
  if (step === undefined) return
  const first = addQuantities(min, step)
  refuseIf(isMore(first, capacity), 'step', step, `one step ${canonicalQuantity(first)} is larger than capacity value`, capacity)
  for (const value of [standard, ...(max === undefined ? [] : [max])]) {
    const steps = (quantityValue(value) - quantityValue(min)) / quantityValue(step)
    if (Number.isInteger(steps)) continue
    const why = `value is not a multiple of a given step (${canonicalQuantity(step)}) from (${canonicalQuantity(min)})`
    errors.push(fieldError.invalid(path.child('step'), canonicalQuantity(value), why))
  }
}
