import { ArrayList, indexInto } from '../values/containers.ts'
import { CelError } from '../values/error.ts'
import { compareValues, isIn, valuesEqual } from '../values/equality.ts'
import {
  addInts,
  addUints,
  divideInts,
  divideUints,
  Double,
  type Int,
  moduloInts,
  moduloUints,
  multiplyInts,
  multiplyUints,
  negateInt,
  subtractInts,
  subtractUints,
  type Uint,
} from '../values/numbers.ts'
import { Duration, type Timestamp } from '../values/time.ts'
import { ListValue, type Outcome, type Value } from '../values/value.ts'
import { LONGEST_TEXT } from '../values/text.ts'
import { built, type Declaration, type Library } from '../types/functions.ts'

const NAN_COMPARED = new CelError('NaN values cannot be ordered')

const ORDER: Readonly<Record<string, readonly [id: string, holds: (order: number) => boolean]>> = {
  '_<_': ['less', (order) => order < 0],
  '_<=_': ['less_equals', (order) => order <= 0],
  '_>_': ['greater', (order) => order > 0],
  '_>=_': ['greater_equals', (order) => order >= 0],
}
/** What can be compared, by the names that the forms have. */
const ORDERED: readonly (readonly [id: string, params: string])[] = [
  ['bool', 'bool, bool'],
  ['int64', 'int, int'],
  ['int64_double', 'int, double'],
  ['int64_uint64', 'int, uint'],
  ['uint64', 'uint, uint'],
  ['uint64_double', 'uint, double'],
  ['uint64_int64', 'uint, int'],
  ['double', 'double, double'],
  ['double_int64', 'double, int'],
  ['double_uint64', 'double, uint'],
  ['string', 'string, string'],
  ['bytes', 'bytes, bytes'],
  ['timestamp', 'timestamp, timestamp'],
  ['duration', 'duration, duration'],
]

const comparisons: Declaration[] = Object.entries(ORDER).flatMap(([name, [prefix, holds]]) =>
  ORDERED.map(([id, params]): Declaration => {
    const compare = (a: Value, b: Value): Outcome => {
      if (typeof a === 'number' && typeof b === 'number') return holds(a - b)
      const order = compareValues(a, b)
      if (order === undefined) return NAN_COMPARED
      return order instanceof CelError ? order : holds(order)
    }
    return [name, `${prefix}_${id}`, `(${params}) -> bool`, compare]
  }),
)

const invert = (outcome: boolean | CelError): Outcome => (outcome instanceof CelError ? outcome : !outcome)

/** Two lists as one, without a copy. */
class JoinedList extends ListValue {
  readonly size: number
  readonly #left: ListValue
  readonly #right: ListValue
  constructor(left: ListValue, right: ListValue) {
    super()
    this.#left = left
    this.#right = right
    this.size = left.size + right.size
  }
  override at(index: number): Outcome {
    let at = index
    let { list, rest } = this.#partFor(at)
    at = rest
    while (list instanceof JoinedList) {
      ;({ list, rest } = list.#partFor(at))
      at = rest
    }
    return list.at(at)
  }
  #partFor(index: number): { list: ListValue; rest: number } {
    return index < this.#left.size ? { list: this.#left, rest: index } : { list: this.#right, rest: index - this.#left.size }
  }
}

/** Whether a list is cheap to copy as it is. */
const SMALL = 8

export function joinLists(a: ListValue, b: ListValue): Outcome {
  if (a.size === 0 && a instanceof ArrayList) return b
  if (b.size === 0) return a
  if (a instanceof ArrayList && b instanceof ArrayList && a.size + b.size <= SMALL) return new ArrayList([...a.values, ...b.values])
  return a.concat(b) ?? new JoinedList(a, b)
}

function joinBytes(a: Uint8Array, b: Uint8Array): Outcome {
  if (a.length + b.length > LONGEST_TEXT) return new CelError('the bytes are too many')
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}

export const operators: Library = [
  ['_?_:_', 'conditional', '(bool, A, A) -> A', built],
  ['_&&_', 'logical_and', '(bool, bool) -> bool', built],
  ['_||_', 'logical_or', '(bool, bool) -> bool', built],
  ['!_', 'logical_not', '(bool) -> bool', (a: boolean) => !a],
  ['@not_strictly_false', 'not_strictly_false', '(bool) -> bool', built],
  ['_==_', 'equals', '(A, A) -> bool', (a: Value, b: Value) => valuesEqual(a, b)],
  ['_!=_', 'not_equals', '(A, A) -> bool', (a: Value, b: Value) => invert(valuesEqual(a, b))],
  ...comparisons,
  ['_+_', 'add_bytes', '(bytes, bytes) -> bytes', joinBytes],
  ['_+_', 'add_double', '(double, double) -> double', (a: Double, b: Double) => new Double(a.value + b.value)],
  ['_+_', 'add_duration_duration', '(duration, duration) -> duration', (a: Duration, b: Duration) => Duration.of(a.nanos + b.nanos)],
  ['_+_', 'add_duration_timestamp', '(duration, timestamp) -> timestamp', (a: Duration, b: Timestamp) => b.plus(a.nanos)],
  ['_+_', 'add_timestamp_duration', '(timestamp, duration) -> timestamp', (a: Timestamp, b: Duration) => a.plus(b.nanos)],
  ['_+_', 'add_int64', '(int, int) -> int', addInts],
  ['_+_', 'add_list', '(list(A), list(A)) -> list(A)', joinLists],
  [
    '_+_',
    'add_string',
    '(string, string) -> string',
    (a: string, b: string) => (a.length + b.length > LONGEST_TEXT ? new CelError('the text is too long') : a + b),
  ],
  ['_+_', 'add_uint64', '(uint, uint) -> uint', addUints],
  ['_/_', 'divide_double', '(double, double) -> double', (a: Double, b: Double) => new Double(a.value / b.value)],
  ['_/_', 'divide_int64', '(int, int) -> int', divideInts],
  ['_/_', 'divide_uint64', '(uint, uint) -> uint', divideUints],
  ['_%_', 'modulo_int64', '(int, int) -> int', moduloInts],
  ['_%_', 'modulo_uint64', '(uint, uint) -> uint', moduloUints],
  ['_*_', 'multiply_double', '(double, double) -> double', (a: Double, b: Double) => new Double(a.value * b.value)],
  ['_*_', 'multiply_int64', '(int, int) -> int', multiplyInts],
  ['_*_', 'multiply_uint64', '(uint, uint) -> uint', multiplyUints],
  ['-_', 'negate_double', '(double) -> double', (a: Double) => new Double(-a.value)],
  ['-_', 'negate_int64', '(int) -> int', negateInt],
  ['_-_', 'subtract_double', '(double, double) -> double', (a: Double, b: Double) => new Double(a.value - b.value)],
  ['_-_', 'subtract_duration_duration', '(duration, duration) -> duration', (a: Duration, b: Duration) => Duration.of(a.nanos - b.nanos)],
  ['_-_', 'subtract_int64', '(int, int) -> int', (a: Int, b: Int) => subtractInts(a, b)],
  ['_-_', 'subtract_timestamp_duration', '(timestamp, duration) -> timestamp', (a: Timestamp, b: Duration) => a.plus(-b.nanos)],
  ['_-_', 'subtract_timestamp_timestamp', '(timestamp, timestamp) -> duration', (a: Timestamp, b: Timestamp) => a.minus(b)],
  ['_-_', 'subtract_uint64', '(uint, uint) -> uint', (a: Uint, b: Uint) => subtractUints(a, b)],
  ['_[_]', 'index_list', '(list(A), int) -> A', indexInto],
  ['_[_]', 'index_map', '(map(A, B), A) -> B', indexInto],
  ['@in', 'in_list', '(A, list(A)) -> bool', (a: Value, b: Value) => isIn(a, b)],
  ['@in', 'in_map', '(A, map(A, B)) -> bool', (a: Value, b: Value) => isIn(a, b)],
  ['cel.@mapInsert', '@mapInsert_map_key_value', '(map(K, V), K, V) -> map(K, V)', built],
  ['cel.@mapInsert', '@mapInsert_map_map', '(map(K, V), map(K, V)) -> map(K, V)', built],
]
