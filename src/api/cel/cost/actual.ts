import { FormatValue } from '../library/kubernetes/named-formats.ts'
import { codePointLength } from '../syntax/issues.ts'

import { CelError } from '../values/error.ts'
import { ListValue, MapValue, Opaque, Optional, type Outcome, type Value } from '../values/value.ts'
import { COST } from './factors.ts'

/** What a call costs, from its arguments. */
export type CallCost = (args: readonly Value[], limit: number) => number
/** Of the few whose cost is their result's. */
export type ResultCost = (result: Outcome) => number

export function sizeOf(value: Value | undefined): number {
  if (typeof value === 'string') return codePointLength(value)
  if (value instanceof ListValue || value instanceof MapValue) return value.size
  if (value instanceof Uint8Array) return value.length
  if (value instanceof Optional && value.value !== undefined) return sizeOf(value.value)
  return value instanceof Opaque && 'size' in value && typeof value.size === 'number' ? value.size : 1
}

const traverse = (value: Value | undefined, times = 1): number => Math.ceil(sizeOf(value) * times * COST.character)
const fixed =
  (cost: number): CallCost =>
  () =>
    cost
const ONE = fixed(COST.call)
const first: CallCost = ([value]) => traverse(value)
const firstTwice: CallCost = ([value]) => traverse(value, 2)
const pattern: CallCost = ([text, regex]) => Math.ceil((1 + sizeOf(text)) * COST.character) * Math.ceil(sizeOf(regex) * COST.pattern)
const smaller: CallCost = ([a, b]) => Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * COST.character)
const both: CallCost = ([a, b]) => Math.ceil((sizeOf(a) + sizeOf(b)) * COST.character)
const wholeTraversal: CallCost = ([value], limit) => traversalCost(value, limit)
const equality: CallCost = (args, limit) => (args[0] instanceof Opaque ? COST.call : smaller(args, limit))

/** All that is inside, as far as anybody could pay for it. */
function traversalCost(value: Outcome | undefined, limit: number): number {
  if (typeof value === 'string') return Math.floor(value.length * COST.character)
  if (value instanceof Uint8Array) return Math.floor(value.length * COST.character)
  let cost = 0
  if (value instanceof ListValue) {
    for (let i = 0; i < value.size && cost <= limit; i++) cost += traversalCost(value.at(i), limit - cost)
    return cost
  }
  if (!(value instanceof MapValue)) return 1
  for (const key of value.keys()) {
    if (cost > limit) break
    cost += traversalCost(key, limit) + traversalCost(value.get(key), limit - cost)
  }
  return cost
}

function selectorCost(length: number): number {
  return COST.list + Math.ceil(length * COST.character) + Math.ceil(Math.ceil(length * 0.5) * (COST.list + COST.struct))
}

const cidrSizes: CallCost = ([cidr]) => Math.ceil(2 * sizeOf(cidr) * COST.character)
const allocated = (size: number, factor: number): number => Math.floor(size * factor) + COST.call + COST.list

function comparedWithin(list: Value | undefined): number {
  if (!(list instanceof ListValue)) return COST.call
  const [head] = list.size === 0 ? [] : [list.at(0)]
  const factor = typeof head === 'string' || head instanceof Uint8Array ? 2 + COST.character : 2
  return allocated(list.size * list.size, factor)
}

const setCost =
  (factor: number): CallCost =>
  ([a, b]) =>
    COST.call + Math.floor(sizeOf(a) * sizeOf(b) * factor)

/** By the name of the function. */
const BY_NAME: Readonly<Record<string, CallCost>> = {
  check: fixed(350_000),
  fieldSelector: (args) => selectorCost(sizeOf(args[1])),
  labelSelector: (args) => selectorCost(sizeOf(args[1])),
  isSorted: wholeTraversal,
  sum: wholeTraversal,
  max: wholeTraversal,
  min: wholeTraversal,
  indexOf: wholeTraversal,
  lastIndexOf: wholeTraversal,
  url: first,
  lowerAscii: first,
  upperAscii: first,
  substring: first,
  trim: first,
  'jsonpatch.escapeKey': first,
  replace: firstTwice,
  split: firstTwice,
  find: pattern,
  findAll: pattern,
  cidr: first,
  isIP: first,
  isCIDR: first,
  ip: first,
  'ip.isCanonical': firstTwice,
  containsIP: cidrSizes,
  containsCIDR: (args, limit) => cidrSizes(args, limit) + traverse(args[0]) + 1,
  quantity: first,
  isQuantity: first,
  semver: first,
  isSemver: first,
  validate: ([format, text]) => {
    const length = format instanceof FormatValue ? format.patternLength : 0
    return Math.ceil((1 + sizeOf(text)) * COST.character) * Math.ceil(length * COST.pattern)
  },
}

/** By the form, where forms of one name differ. */
const BY_FORM: Readonly<Record<string, CallCost>> = {
  cidr_ip: ONE,
  cidr_contains_ip_string: (args, limit) => cidrSizes(args, limit) + traverse(args[1]),
  cidr_contains_cidr_string: (args, limit) => cidrSizes(args, limit) + traverse(args[0]) + 1 + traverse(args[1]),
  starts_with_string: first,
  ends_with_string: first,
  string_to_bytes: first,
  bytes_to_string: first,
  strings_quote: first,
  string_format: first,
  in_list: ([, list]) => sizeOf(list),
  equals: equality,
  not_equals: smaller,
  add_string: both,
  add_bytes: both,
  matches: ONE,
  matches_string: pattern,
  contains_string: ([text, part]) => traverse(text) * traverse(part),
  list_slice: ([, start, end]) => allocated(Math.max(0, Number(end) - Number(start)) || 0, 1),
  list_flatten: ([list]) => allocated(sizeOf(list), 1),
  list_flatten_int: ([list, depth]) => allocated(sizeOf(list), Math.max(0, Number(depth)) || 0),
  lists_range: ([count]) => allocated(Math.max(0, Number(count)) || 0, 1),
  list_reverse: ([list]) => allocated(sizeOf(list), 1),
  list_distinct: ([list]) => comparedWithin(list),
  list_sets_contains_list: setCost(1),
  list_sets_intersects_list: setCost(1),
  list_sets_equivalent_list: setCost(2),
}

/** What a call of this form of a function costs. */
export function callCost(name: string, form: string): CallCost {
  const known = BY_FORM[form]
  if (known !== undefined) return known
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name] as CallCost
  if (/^(?:less|greater)(?:_equals)?_(?:string|bytes)$/.test(form)) return smaller
  if (form.endsWith('_sort')) return ([list]) => comparedWithin(list)
  if (form.endsWith('_sortByAssociatedKeys')) return ([, keys]) => comparedWithin(keys)
  return ONE
}

/** Joining costs what comes out. */
export function resultCost(name: string): ResultCost | undefined {
  if (name !== 'join') return undefined
  return (result) => (result instanceof CelError ? COST.call : traverse(result, 2))
}
