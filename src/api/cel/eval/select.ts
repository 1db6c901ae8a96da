import { indexInto, noSuchKey } from '../values/containers.ts'
import { CelError, NO_OVERLOAD } from '../values/error.ts'
import { ListValue, MapValue, Optional, type Outcome, type Value } from '../values/value.ts'

/** `operand.field`; of an optional, the field of what is inside, as an optional. */
export function select(operand: Outcome, field: string): Outcome {
  if (operand instanceof MapValue) {
    const value = operand.get(field)
    return value === undefined ? noSuchKey(field) : value
  }
  if (operand instanceof CelError) return operand
  if (operand instanceof Optional) return optionalField(operand, field)
  return NO_OVERLOAD
}

/** `has(operand.field)`. */
export function has(operand: Outcome, field: string): Outcome {
  if (operand instanceof CelError) return operand
  const inner = operand instanceof Optional ? operand.value : operand
  if (inner === undefined) return false
  if (!(inner instanceof MapValue)) return NO_OVERLOAD
  const value = inner.get(field)
  return value instanceof CelError ? value : value !== undefined
}

/** `operand.?field`. */
export function optionalField(operand: Outcome, field: string): Outcome {
  if (operand instanceof CelError) return operand
  const inner = operand instanceof Optional ? operand.value : operand
  if (inner === undefined) return Optional.none
  if (!(inner instanceof MapValue)) return inner === null ? noSuchKey(field) : NO_OVERLOAD
  return wrapped(inner.get(field))
}

/** `operand[index]`. */
export function index(operand: Value, key: Value): Outcome {
  return operand instanceof Optional ? optionalIndex(operand, key) : indexInto(operand, key)
}

/** `operand[?index]`. */
export function optionalIndex(operand: Value, key: Value): Outcome {
  const inner = operand instanceof Optional ? operand.value : operand
  if (inner === undefined) return Optional.none
  if (inner instanceof MapValue) return wrapped(inner.get(key))
  if (!(inner instanceof ListValue)) return NO_OVERLOAD
  const value = indexInto(inner, key)
  return value instanceof CelError ? Optional.none : Optional.of(value)
}

function wrapped(value: Outcome | undefined): Outcome {
  if (value === undefined) return Optional.none
  return value instanceof CelError ? value : Optional.of(value)
}
