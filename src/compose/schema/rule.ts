import { type Dict, type Path, Timestamp, type Value, WholeFloat, isDict, isWhole, sameValue } from '../value.ts'

/** What may stand somewhere. A small language of our own for the Compose specification's schema. */
export type Rule =
  | { readonly kind: 'any' }
  | {
      readonly kind: 'scalar'
      readonly types: readonly ScalarType[]
      readonly pattern?: RegExp
      readonly min?: number
      readonly max?: number
    }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'list'; readonly item: Rule; readonly unique: boolean }
  | { readonly kind: 'object'; readonly fields: Fields; readonly required: readonly string[]; readonly others: Others }
  | { readonly kind: 'map'; readonly value: Rule; readonly key: RegExp | undefined; readonly others: Others }
  | { readonly kind: 'either'; readonly rules: readonly Rule[] }

/** Keys that a rule does not name: only those beginning with `x-` may stand there, none, or any. */
type Others = 'extensions' | 'none' | 'any'

export type Fields = Readonly<Record<string, Rule>>
export type ScalarType = 'string' | 'number' | 'integer' | 'boolean' | 'null'

export const any: Rule = { kind: 'any' }
export const scalar = (...types: ScalarType[]): Rule => ({ kind: 'scalar', types })
export const text = scalar('string')
export const pattern = (pattern: RegExp): Rule => ({ kind: 'scalar', types: ['string'], pattern })
export const truth = scalar('boolean', 'string')
export const integer = scalar('integer', 'string')
export const number = scalar('number', 'string')
export const within = (rule: Rule, min: number, max?: number): Rule =>
  rule.kind === 'scalar' ? { ...rule, min, ...(max === undefined ? {} : { max }) } : rule
export const word = (...words: string[]): Rule => ({ kind: 'word', words })
export const list = (item: Rule): Rule => ({ kind: 'list', item, unique: false })
export const set = (item: Rule): Rule => ({ kind: 'list', item, unique: true })
/** Keys beginning with `x-` are allowed. */
export const object = (fields: Fields, ...required: string[]): Rule => ({ kind: 'object', fields, required, others: 'extensions' })
/** Nothing else is allowed, nor keys beginning with `x-`. */
export const closed = (fields: Fields, ...required: string[]): Rule => ({ kind: 'object', fields, required, others: 'none' })
/** Whatever else there is, is allowed. */
export const open = (fields: Fields): Rule => ({ kind: 'object', fields, required: [], others: 'any' })
export const map = (value: Rule, key?: RegExp): Rule => ({ kind: 'map', value, key, others: 'none' })
/** Keys that do not fit may hold anything. */
export const openMap = (value: Rule, key: RegExp): Rule => ({ kind: 'map', value, key, others: 'any' })
export const either = (...rules: Rule[]): Rule => ({ kind: 'either', rules })

export interface Problem {
  readonly path: Path
  readonly text: string
  /** The key that the problem is about, where it has no place in the schema. */
  readonly key?: string
}

/** The first thing that does not fit, or `undefined`. Of alternatives, the one is told that got furthest. */
export function problemOf(value: Value, rule: Rule, path: Path = []): Problem | undefined {
  switch (rule.kind) {
    case 'any':
      return undefined
    case 'scalar':
      return scalarProblem(value, rule, path)
    case 'word':
      return typeof value === 'string' && rule.words.includes(value)
        ? undefined
        : { path, text: `value must be one of ${rule.words.map((one) => `'${one}'`).join(', ')}` }
    case 'list':
      return Array.isArray(value) ? listProblem(value, rule.item, rule.unique, path) : { path, text: 'must be a array' }
    case 'object':
      return isDict(value) ? objectProblem(value, rule, path) : { path, text: 'must be a mapping' }
    case 'map':
      return isDict(value) ? mapProblem(value, rule, path) : { path, text: 'must be a mapping' }
    case 'either':
      return eitherProblem(value, rule.rules, path)
    default:
      return rule satisfies never
  }
}

const NAMES: Readonly<Record<ScalarType, string>> = {
  string: 'string',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
  null: 'null',
}

function scalarProblem(value: Value, rule: Extract<Rule, { kind: 'scalar' }>, path: Path): Problem | undefined {
  if (!rule.types.some((type) => isOfType(value, type)))
    return { path, text: `must be a ${rule.types.map((type) => NAMES[type]).join(' or ')}` }
  if (rule.pattern !== undefined && typeof value === 'string' && !rule.pattern.test(value))
    return { path, text: `'${value}' does not match pattern '${rule.pattern.source}'` }
  const number = value instanceof WholeFloat ? value.value : value
  if (isNumber(number) && rule.min !== undefined && number < rule.min) return { path, text: `must be greater than or equal to ${rule.min}` }
  if (isNumber(number) && rule.max !== undefined && number > rule.max) return { path, text: `must be less than or equal to ${rule.max}` }
  return undefined
}

const isNumber = (value: Value): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

function isOfType(value: Value, type: ScalarType): boolean {
  if (value instanceof Timestamp) return false
  if (type === 'null') return value === null
  if (value instanceof WholeFloat) return type === 'integer' || type === 'number'
  if (type === 'integer') return isWhole(value)
  return typeof value === type || (type === 'number' && typeof value === 'bigint')
}

function listProblem(items: readonly Value[], item: Rule, unique: boolean, path: Path): Problem | undefined {
  if (unique)
    for (let second = 1; second < items.length; second++)
      for (let first = 0; first < second; first++)
        if (sameItem(items[first] ?? null, items[second] ?? null)) return { path, text: `items at ${first} and ${second} are equal` }
  return firstOf(items.entries(), ([at, value]) => problemOf(value, item, [...path, String(at)]))
}

/** A number is also the same as a text before it that says it. */
function sameItem(first: Value, second: Value): boolean {
  const number = second instanceof WholeFloat ? second.value : second
  if (typeof first === 'string' && isNumber(number)) return /^[-+]?[\d.]+(?:[eE][-+]?\d+)?$/.test(first) && Number(first) === Number(number)
  return sameValue(first, second)
}

function objectProblem(value: Dict, rule: Extract<Rule, { kind: 'object' }>, path: Path): Problem | undefined {
  const { fields, required, others } = rule
  const unknown =
    others === 'any' ? [] : Object.keys(value).filter((key) => !Object.hasOwn(fields, key) && (others === 'none' || !key.startsWith('x-')))
  const [first] = unknown
  if (first !== undefined) {
    const names = unknown.map((key) => `'${key}'`).sort()
    return { path, key: first, text: `additional properties ${names.join(', ')} not allowed` }
  }
  const missing = required.find((key) => !(key in value))
  if (missing !== undefined) return { path, text: `missing property '${missing}'` }
  return firstOf(Object.entries(value), ([key, content]) => {
    const rule = Object.hasOwn(fields, key) ? fields[key] : undefined
    return rule === undefined ? undefined : problemOf(content, rule, [...path, key])
  })
}

function mapProblem(value: Dict, rule: Extract<Rule, { kind: 'map' }>, path: Path): Problem | undefined {
  const fits = (name: string): boolean => rule.key?.test(name) ?? true
  const bad = rule.others === 'any' ? [] : Object.keys(value).filter((name) => !fits(name))
  if (bad.length > 0)
    return {
      path,
      text: `additional properties ${bad
        .map((name) => `'${name}'`)
        .sort()
        .join(', ')} not allowed`,
    }
  return firstOf(Object.entries(value), ([name, content]) => (fits(name) ? problemOf(content, rule.value, [...path, name]) : undefined))
}

function eitherProblem(value: Value, rules: readonly Rule[], path: Path): Problem | undefined {
  let furthest: Problem | undefined
  for (const rule of rules) {
    const problem = problemOf(value, rule, path)
    if (problem === undefined) return undefined
    if (furthest === undefined || problem.path.length > furthest.path.length || (fits(value, rule) && !problem.text.startsWith('must be')))
      furthest = problem
  }
  return furthest
}

/** Whether the value has at least the shape that a rule is about. */
const fits = (value: Value, rule: Rule): boolean =>
  rule.kind === 'list' ? Array.isArray(value) : rule.kind === 'object' || rule.kind === 'map' ? isDict(value) : rule.kind !== 'scalar'

function firstOf<T>(items: Iterable<T>, check: (item: T) => Problem | undefined): Problem | undefined {
  for (const item of items) {
    const problem = check(item)
    if (problem !== undefined) return problem
  }
  return undefined
}
