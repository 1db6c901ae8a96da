import { items } from './containers.ts'
import { CelError, NO_OVERLOAD } from './error.ts'
import { compareNumbers, type Double, type Int, type Uint } from './numbers.ts'
import { Duration, Timestamp } from './time.ts'
import { isNumber } from './types.ts'
import { ListValue, MapValue, Opaque, Optional, type Outcome, TypeValue, type Value } from './value.ts'

/** How many elements a comparison may look at: what is paid for is the outermost size only, and what is inside may be far more. */
export class Work {
  #left = 1_000_000
  /** False when there is nothing left. */
  take(): boolean {
    return this.#left-- > 0
  }
}
const TOO_LARGE = new CelError('the values are too large to be compared')

/** Whether two values are equal; values of different types are not, but numbers may be. An element that is a mistake makes the answer one. */
export function valuesEqual(a: Value, b: Value, work?: Work): boolean | CelError {
  if (a === b) return true
  if (isNumber(a)) return isNumber(b) && numbersEqual(a, b)
  if (a === null || b === null || typeof a === 'string' || typeof a === 'boolean') return false
  if (a instanceof ListValue) return b instanceof ListValue && listsEqual(a, b, work ?? new Work())
  if (a instanceof MapValue) return b instanceof MapValue && mapsEqual(a, b, work ?? new Work())
  if (a instanceof Timestamp) return b instanceof Timestamp && a.compare(b) === 0
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name
  if (a instanceof Opaque) return b instanceof Opaque && a.typeName === b.typeName && a.equals(b)
  if (!(a instanceof Optional) || !(b instanceof Optional)) return false
  if (a.value === undefined || b.value === undefined) return a.value === b.value
  return valuesEqual(a.value, b.value, work)
}

function numbersEqual(a: Int | Double | Uint, b: Int | Double | Uint): boolean {
  return compareNumbers(a, b) === 0
}

function listsEqual(a: ListValue, b: ListValue, work: Work): boolean | CelError {
  const own = a.equals(b)
  if (own !== undefined) return own as boolean | CelError
  if (a.size !== b.size) return false
  for (let i = 0; i < a.size; i++) {
    if (!work.take()) return TOO_LARGE
    const equal = outcomesEqual(a.at(i), b.at(i), work)
    if (equal !== true) return equal
  }
  return true
}

function mapsEqual(a: MapValue, b: MapValue, work: Work): boolean | CelError {
  const own = a.equals(b)
  if (own !== undefined) return own as boolean | CelError
  if (a.size !== b.size) return false
  for (const key of a.keys()) {
    const mine = a.get(key)
    const other = b.get(key)
    if (mine === undefined || other === undefined) return false
    if (!work.take()) return TOO_LARGE
    const equal = outcomesEqual(mine, other, work)
    if (equal !== true) return equal
  }
  return true
}

export function outcomesEqual(a: Outcome, b: Outcome, work?: Work): boolean | CelError {
  if (a instanceof CelError) return a
  return b instanceof CelError ? b : valuesEqual(a, b, work)
}

/** Negative, zero or positive; a mistake when the values have no order. `undefined` when one is NaN. */
export function compareValues(a: Value, b: Value): number | undefined | CelError {
  if (isNumber(a)) return isNumber(b) ? compareNumbers(a, b) : NO_OVERLOAD
  if (typeof a === 'string') return typeof b === 'string' ? compareStrings(a, b) : NO_OVERLOAD
  if (typeof a === 'boolean') return typeof b === 'boolean' ? Number(a) - Number(b) : NO_OVERLOAD
  if (a instanceof Timestamp) return b instanceof Timestamp ? a.compare(b) : NO_OVERLOAD
  if (a instanceof Duration) return b instanceof Duration ? a.compare(b) : NO_OVERLOAD
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? compareBytes(a, b) : NO_OVERLOAD
  return NO_OVERLOAD
}

/** By code points, which differs from the order of code units beyond the basic plane. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xe000
    if (isHigh(x) !== isHigh(y)) return isHigh(x) ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** `value in container`. */
export function isIn(value: Value, container: Value, work = new Work()): boolean | CelError {
  if (container instanceof MapValue) {
    const found = container.get(value)
    return found instanceof CelError ? found : found !== undefined
  }
  if (!(container instanceof ListValue)) return NO_OVERLOAD
  let mistake: CelError | undefined
  for (const item of items(container)) {
    const equal = outcomesEqual(item, value, work)
    if (equal === true) return true
    if (equal instanceof CelError) mistake ??= equal
  }
  return mistake ?? false
}
