import { sameType } from '../types/type.ts'
import { COST } from './factors.ts'
import { add, ENDLESS, type Estimate, exactly, multiply, scale, UNKNOWN_SIZE, type Argument, type SizeOfPath } from './estimates.ts'

/** What a call itself costs, without its arguments, and how large its result is where that is known. */
export interface CallEstimate {
  readonly cost: Estimate
  readonly size?: Estimate
}
interface Given {
  readonly name: string
  readonly id: string
  readonly target: Argument | undefined
  readonly args: readonly Argument[]
  readonly size: (argument: Argument | undefined) => Estimate
  readonly sizeOfPath: SizeOfPath
}
type Rule = (given: Given) => CallEstimate | undefined

export function estimateCall(
  name: string,
  id: string,
  target: Argument | undefined,
  args: readonly Argument[],
  sizeOfArgument: (argument: Argument) => Estimate,
  sizeOfPath: SizeOfPath,
): CallEstimate {
  const size = (argument: Argument | undefined): Estimate => (argument === undefined ? UNKNOWN_SIZE : sizeOfArgument(argument))
  const given: Given = { name, id, target, args, size, sizeOfPath }
  const rule = BY_FORM[id] ?? (Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined) ?? patternRule(id)
  return rule?.(given) ?? ONE
}

const ONE: CallEstimate = { cost: exactly(COST.call) }
const one: Rule = () => ONE
const characters = (size: Estimate, times = 1): Estimate => scale(size, times * COST.character)

function patternRule(id: string): Rule | undefined {
  if (/^(?:less|greater)(?:_equals)?_(?:string|bytes)$/.test(id)) return compared
  if (id.endsWith('_sort')) return ({ target, args, size }) => (args.length === 0 ? sorted(size(target), id) : undefined)
  if (id.endsWith('_sortByAssociatedKeys')) return ({ args, size }) => sorted(size(args[0]), id)
  return undefined
}

const argumentText: Rule = ({ args, size }) => ({ cost: characters(size(args[0])) })
const targetText: Rule = ({ target, size }) => (target === undefined ? undefined : { cost: characters(size(target)), size: size(target) })

/** Each element is looked at once; texts in them character by character. */
const traversed: Rule = (given) => {
  const { target, size } = given
  if (target === undefined) return undefined
  const [element] = target.type.params
  if (element === undefined) return { cost: characters(size(target)) }
  const isText = element.kind === 'string' || element.kind === 'bytes'
  const cost = isText ? add(exactly(1), characters(elementSize(given, target))) : exactly(1)
  return { cost: multiply(size(target), cost) }
}
function elementSize({ sizeOfPath }: Given, list: Argument): Estimate {
  return (list.path === undefined ? undefined : sizeOfPath([...list.path, '@items'])) ?? UNKNOWN_SIZE
}

const compared: Rule = ({ args, size }) => {
  const most = Math.min(size(args[0]).max, size(args[1]).max)
  return { cost: characters({ min: most > 0 ? 1 : 0, max: most }) }
}
/** Values of types of their own are compared at once. */
const equals: Rule = (given) => {
  const [a, b] = given.args
  if (a?.type.kind === 'opaque' && b !== undefined && sameType(a.type, b.type)) {
    if (AT_ONCE.has(a.type.name)) return ONE
    if (a.type.name === 'kubernetes.NamedFormat') return { cost: characters({ min: 1, max: 64 }) }
    if (a.type.name === 'kubernetes.URL') return { cost: characters({ min: 1, max: b.size?.max ?? 1 }) }
  }
  return compared(given)
}
const AT_ONCE: ReadonlySet<string> = new Set([
  'net.IP',
  'net.CIDR',
  'kubernetes.Quantity',
  'kubernetes.Semver',
  'kubernetes.authorization.Authorizer',
  'kubernetes.authorization.PathCheck',
  'kubernetes.authorization.GroupCheck',
  'kubernetes.authorization.ResourceCheck',
  'kubernetes.authorization.Decision',
])

const matched: Rule = ({ target, args, size }) => {
  if (target === undefined || args.length === 0) return undefined
  const text = characters(add(size(target), exactly(1)))
  return { cost: multiply(text, scale(size(args[0]), COST.pattern)) }
}
const found: Rule = (given) => {
  const cost = matched(given)?.cost
  return cost === undefined ? undefined : { cost, size: { min: 0, max: given.size(given.target).max } }
}

const replaced: Rule = ({ target, args, size }) => {
  if (target === undefined || args.length < 2) return undefined
  const text = size(target)
  const [from, to] = [size(args[0]), size(args[1])]
  const most = from.min === 0 ? text.max + 1 : to.max <= from.min ? 0 : Math.ceil(text.max / from.min)
  const least = from.max === 0 ? text.min + 1 : from.max <= to.min ? 0 : Math.ceil(text.min / from.max)
  const kept = {
    min: from.max === 0 || from.max <= to.min ? text.min : 0,
    max: from.min === 0 || to.max <= from.min ? text.max : 0,
  }
  return { cost: characters(text, 2), size: add(multiply({ min: least, max: most }, to), kept) }
}

const splitted: Rule = ({ target, args, size }) => {
  if (target === undefined) return undefined
  const text = size(target)
  const limit = args[1]?.expr.kind === 'literal' && typeof args[1].expr.value === 'number' ? args[1].expr.value : undefined
  return { cost: characters(text, 2), size: { min: 0, max: limit === undefined ? text.max : limit < 0 ? ENDLESS : limit } }
}

const joined: Rule = (given) => {
  const { target, args, size } = given
  if (target === undefined) return undefined
  const list = size(target)
  let text = multiply(list, elementSize(given, target))
  if (args.length > 0) text = add(text, multiply(size(args[0]), { min: Math.max(0, list.min - 1), max: Math.max(0, list.max - 1) }))
  return { cost: characters(text), size: text }
}

const ADDRESS: Estimate = { min: 4, max: 16 }
const inNetwork: Rule = ({ id, args, size }) => {
  const cost = characters(add(ADDRESS, ADDRESS))
  return { cost: id === 'cidr_contains_ip_string' ? add(cost, characters(size(args[0]))) : cost }
}
const inNetworkWhole: Rule = ({ id, args, size }) => {
  const cost = add(characters(add(ADDRESS, ADDRESS)), characters(ADDRESS), exactly(1))
  return { cost: id === 'cidr_contains_cidr_string' ? add(cost, characters(size(args[0]))) : cost }
}

const selector: Rule = ({ args, size }) => {
  const length = size(args[0])
  const requirements = scale(scale(length, 0.5), COST.list + COST.struct)
  return { cost: add(exactly(COST.list), characters(length), requirements) }
}

const LONGEST_FORMAT = 128
const validated: Rule = ({ args, size }) => ({ cost: scale(characters(size(args[0])), LONGEST_FORMAT * COST.pattern) })

function allocated(size: Estimate, factor: number): CallEstimate {
  return { cost: add(scale(size, factor), exactly(COST.call + COST.list)), size }
}
function sorted(size: Estimate, id: string): CallEstimate {
  const isText = id.startsWith('list_string') || id.startsWith('list_bytes')
  return allocated(multiply(size, size), isText ? 2 + COST.character : 2)
}
function literalInt(argument: Argument | undefined, otherwise: number): number {
  if (argument?.expr.kind !== 'literal') return otherwise
  const { value } = argument.expr
  return typeof value === 'number' || typeof value === 'bigint' ? Math.max(0, Number(value)) : otherwise
}
const setCost =
  (factor: number): Rule =>
  ({ args, size }) => ({ cost: add(scale(multiply(size(args[0]), size(args[1])), factor), exactly(COST.call)) })

const BY_NAME: Readonly<Record<string, Rule>> = {
  check: () => ({ cost: exactly(350_000) }),
  fieldSelector: selector,
  labelSelector: selector,
  isSorted: traversed,
  sum: traversed,
  max: traversed,
  min: traversed,
  indexOf: traversed,
  lastIndexOf: traversed,
  url: ({ args, size }) => ({ cost: characters(size(args[0])), size: size(args[0]) }),
  'jsonpatch.escapeKey': ({ args, size }) => ({ cost: characters(size(args[0])), size: size(args[0]) }),
  lowerAscii: targetText,
  upperAscii: targetText,
  substring: targetText,
  trim: targetText,
  replace: replaced,
  split: splitted,
  join: joined,
  find: found,
  findAll: found,
  cidr: argumentText,
  isIP: argumentText,
  isCIDR: argumentText,
  ip: argumentText,
  'ip.isCanonical': ({ args, size }) => ({ cost: characters(size(args[0]), 2) }),
  containsIP: inNetwork,
  containsCIDR: inNetworkWhole,
  quantity: argumentText,
  isQuantity: argumentText,
  semver: argumentText,
  isSemver: argumentText,
  validate: validated,
}

const BY_FORM: Readonly<Record<string, Rule>> = {
  cidr_ip: one,
  equals,
  not_equals: compared,
  string_format: ({ target, size }) => ({ cost: characters(size(target)) }),
  string_to_bytes: ({ args, size }) => {
    const { min, max } = size(args[0])
    return { cost: characters({ min, max }), size: { min, max: Math.min(max * 4, ENDLESS) } }
  },
  bytes_to_string: ({ args, size }) => {
    const { min, max } = size(args[0])
    return { cost: characters({ min, max }), size: { min: Math.floor(min / 4), max } }
  },
  strings_quote: ({ args, size }) => {
    const { min, max } = size(args[0])
    return { cost: characters({ min, max }), size: { min: min + 2, max: Math.min(max * 2 + 2, ENDLESS) } }
  },
  starts_with_string: argumentText,
  ends_with_string: argumentText,
  in_list: ({ args, size }) => ({ cost: size(args[1]) }),
  matches_string: matched,
  contains_string: ({ target, args, size }) =>
    target === undefined ? undefined : { cost: multiply(characters(size(target)), characters(size(args[0]))) },
  add_list: ({ args, size }) => ({ cost: exactly(COST.call), size: add(size(args[0]), size(args[1])) }),
  add_string: ({ args, size }) => sumOf(add(size(args[0]), size(args[1]))),
  add_bytes: ({ args, size }) => sumOf(add(size(args[0]), size(args[1]))),
  list_slice: ({ target, args, size }) =>
    allocated(exactly(Math.max(0, literalInt(args[1], size(target).max) - literalInt(args[0], 0))), 1),
  list_flatten: ({ target, size }) => allocated(size(target), 1),
  list_flatten_int: ({ target, args, size }) => allocated(size(target), literalInt(args[0], ENDLESS)),
  lists_range: ({ args }) => allocated(exactly(literalInt(args[0], ENDLESS)), 1),
  list_reverse: ({ target, size }) => allocated(size(target), 1),
  list_distinct: ({ target, size }) => allocated(multiply(size(target), size(target)), 2),
  list_sets_contains_list: setCost(1),
  list_sets_intersects_list: setCost(1),
  list_sets_equivalent_list: setCost(2),
}

function sumOf(size: Estimate): CallEstimate {
  return { cost: characters(size), size }
}
