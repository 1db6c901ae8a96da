import { ArrayList, items } from '../values/containers.ts'
import { CelError, NO_OVERLOAD } from '../values/error.ts'
import { compareValues, outcomesEqual, valuesEqual, Work } from '../values/equality.ts'
import { addInts, addUints, Double, type Int, Uint } from '../values/numbers.ts'
import { Duration } from '../values/time.ts'
import { typeNameOf } from '../values/types.ts'
import { ListValue, Optional, type Outcome, type Value } from '../values/value.ts'
import type { Declaration, Library } from '../types/functions.ts'

/** No list that a function makes is longer. */
const MOST_ITEMS = 1_000_000
const TOO_LONG = new CelError('the list is too long')

const ORDERED = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'] as const
const NAMES: Readonly<Record<string, string>> = { duration: 'google.protobuf.Duration', timestamp: 'google.protobuf.Timestamp' }

/** The elements as they are; the first mistake among them. */
function elements(list: ListValue): Value[] | CelError {
  if (list.size > MOST_ITEMS) return TOO_LONG
  const values: Value[] = []
  for (const item of items(list)) {
    if (item instanceof CelError) return item
    values.push(item)
  }
  return values
}

function isSorted(list: ListValue): Outcome {
  const values = elements(list)
  if (values instanceof CelError) return values
  for (let i = 1; i < values.length; i++) {
    const order = compareValues(values[i - 1] as Value, values[i] as Value)
    if (order instanceof CelError) return order
    if (order !== undefined && order > 0) return false
  }
  return true
}

const extreme =
  (name: string, sign: 1 | -1) =>
  (list: ListValue): Outcome => {
    const values = elements(list)
    if (values instanceof CelError) return values
    let best = values[0]
    if (best === undefined) return new CelError(`${name} called on empty list`)
    for (const value of values) {
      const order = compareValues(value, best)
      if (order instanceof CelError) return order
      if (order !== undefined && order * sign > 0) best = value
    }
    return best
  }

const add = (a: Value, b: Value): Outcome => {
  if (typeof a === 'number' || typeof a === 'bigint') return typeof b === 'number' || typeof b === 'bigint' ? addInts(a, b) : NO_OVERLOAD
  if (a instanceof Uint) return b instanceof Uint ? addUints(a, b) : NO_OVERLOAD
  if (a instanceof Double) return b instanceof Double ? new Double(a.value + b.value) : NO_OVERLOAD
  return a instanceof Duration && b instanceof Duration ? Duration.of(a.nanos + b.nanos) : NO_OVERLOAD
}
const ZEROS: readonly (readonly [type: string, zero: Value])[] = [
  ['int', 0],
  ['uint', new Uint(0n)],
  ['double', new Double(0)],
  ['duration', Duration.zero],
]
const sum =
  (zero: Value) =>
  (list: ListValue): Outcome => {
    const values = elements(list)
    if (values instanceof CelError) return values
    let total: Value = zero
    for (const value of values) {
      const next = add(total, value)
      if (next instanceof CelError) return next
      total = next
    }
    return total
  }

function indexOf(list: ListValue, wanted: Value): Outcome {
  const work = new Work()
  for (let i = 0; i < list.size; i++) if (outcomesEqual(list.at(i), wanted, work) === true) return i
  return -1
}
function lastIndexOf(list: ListValue, wanted: Value): Outcome {
  const work = new Work()
  for (let i = list.size - 1; i >= 0; i--) if (outcomesEqual(list.at(i), wanted, work) === true) return i
  return -1
}

function slice(list: ListValue, start: Int, end: Int): Outcome {
  const cannot = (why: string): CelError => new CelError(`cannot slice(${start}, ${end}), ${why}`)
  if (start < 0 || end < 0) return cannot('negative indexes not supported')
  if (start > end) return cannot('start index must be less than or equal to end index')
  if (list.size < end) return cannot(`list is length ${list.size}`)
  const values = elements(list)
  return values instanceof CelError ? values : new ArrayList(values.slice(Number(start), Number(end)))
}

function flatten(list: ListValue, depth: Int = 1): Outcome {
  if (depth < 0) return new CelError('level must be non-negative')
  const flat: Value[] = []
  const problem = flattenInto(flat, list, Number(depth))
  return problem ?? new ArrayList(flat)
}

function flattenInto(flat: Value[], list: ListValue, depth: number): CelError | undefined {
  if (list.size > MOST_ITEMS) return TOO_LONG
  for (const item of items(list)) {
    if (item instanceof CelError) return item
    if (flat.length >= MOST_ITEMS) return TOO_LONG
    if (!(item instanceof ListValue) || depth === 0) flat.push(item)
    else {
      const problem = flattenInto(flat, item, depth - 1)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

function sortByKeys(list: ListValue, keyList: ListValue): Outcome {
  const values = elements(list)
  const keys = elements(keyList)
  if (values instanceof CelError) return values
  if (keys instanceof CelError) return keys
  if (values.length !== keys.length) {
    return new CelError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${values.length} and ${keys.length} elements respectively`,
    )
  }
  const [first] = keys
  if (first === undefined) return list
  const type = typeNameOf(first)
  if (compareValues(first, first) instanceof CelError) return new CelError('list elements must be comparable')
  if (keys.some((key) => typeNameOf(key) !== type)) return new CelError('list elements must have the same type')
  const order = (a: number, b: number): number => {
    const compared = compareValues(keys[a] as Value, keys[b] as Value)
    return typeof compared === 'number' ? compared : 0
  }
  const places = values.map((_, i) => i).sort(order)
  return new ArrayList(places.map((i) => values[i] as Value))
}

function range(count: Int): Outcome {
  if (count > MOST_ITEMS) return TOO_LONG
  return new ArrayList(Array.from({ length: Math.max(0, Number(count)) }, (_, i) => i))
}

function reverse(list: ListValue): Outcome {
  const values = elements(list)
  return values instanceof CelError ? values : new ArrayList(values.reverse())
}

function distinct(list: ListValue): Outcome {
  const values = elements(list)
  if (values instanceof CelError) return values
  const simple = new Set<Value>()
  const work = new Work()
  const unique: Value[] = []
  for (const value of values) {
    if (typeof value === 'string' || typeof value === 'boolean') {
      if (simple.has(value)) continue
      simple.add(value)
    } else if (unique.some((other) => valuesEqual(value, other, work) === true)) continue
    unique.push(value)
  }
  return new ArrayList(unique)
}

const at =
  (place: (size: number) => number) =>
  (list: ListValue): Outcome => {
    if (list.size === 0) return Optional.none
    const value = list.at(place(list.size))
    return value instanceof CelError ? value : Optional.of(value)
  }

const ofOrdered = (make: (type: string) => readonly Declaration[]): Declaration[] => ORDERED.flatMap(make)

export const lists: Library = [
  ...ofOrdered((type) => [
    ['isSorted', `list_${type}_is_sorted_bool`, `list(${type}).() -> bool`, isSorted],
    ['max', `list_${type}_max_${type}`, `list(${type}).() -> ${type}`, extreme('max', 1)],
    ['min', `list_${type}_min_${type}`, `list(${type}).() -> ${type}`, extreme('min', -1)],
    ['sort', `list_${NAMES[type] ?? type}_sort`, `list(${type}).() -> list(${type})`, (list: ListValue) => sortByKeys(list, list)],
    ['@sortByAssociatedKeys', `list_${NAMES[type] ?? type}_sortByAssociatedKeys`, `list(T).(list(${type})) -> list(T)`, sortByKeys],
  ]),
  ...ZEROS.map(([type, zero]): Declaration => ['sum', `list_${type}_sum_${type}`, `list(${type}).() -> ${type}`, sum(zero)]),
  ['indexOf', 'list_a_index_of_int', 'list(A).(A) -> int', indexOf],
  ['lastIndexOf', 'list_a_last_index_of_int', 'list(A).(A) -> int', lastIndexOf],
  ['slice', 'list_slice', 'list(T).(int, int) -> list(T)', slice],
  ['flatten', 'list_flatten', 'list(list(T)).() -> list(T)', flatten],
  ['flatten', 'list_flatten_int', 'list(dyn).(int) -> list(dyn)', flatten],
  ['lists.range', 'lists_range', '(int) -> list(int)', range],
  ['reverse', 'list_reverse', 'list(T).() -> list(T)', reverse],
  ['distinct', 'list_distinct', 'list(T).() -> list(T)', distinct],
  ['first', 'list_first', 'list(V).() -> optional(V)', at(() => 0)],
  ['last', 'list_last', 'list(V).() -> optional(V)', at((size) => size - 1)],
]
