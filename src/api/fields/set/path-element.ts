import { isJsonObject, member } from '../../meta/deep.ts'
import type { ListSchema } from '../../schema/schema.ts'

/**
 * One step of a path, as `fieldsV1` writes it: `f:name` a field, `k:{"name":"c"}` the list item with these keys, `v:"a"` the
 * item of a set, `i:0` the item at an index.
 */
export type PathElement = string

export function fieldElement(name: string): PathElement {
  return `f:${name}`
}

/**
 * The element of an item of a merged list. A key that the item leaves out counts with its default; one without a default
 * does not count. Undefined when the item has no such identity: it is of the wrong type, or has none of the keys.
 */
export function itemElement(item: unknown, list: ListSchema): PathElement | undefined {
  if (list.listType === 'set') return item === null || typeof item === 'object' ? undefined : `v:${jsonOf(item)}`
  if (!isJsonObject(item)) return undefined
  const [key] = list.listKeys
  if (list.listKeys.length === 1 && key !== undefined) {
    const value = keyValue(item, key, list)
    return value === undefined ? undefined : `k:{"${key}":${jsonOf(value)}}`
  }
  const members: string[] = []
  for (const name of list.listKeys.toSorted()) {
    const value = keyValue(item, name, list)
    if (value !== undefined) members.push(`"${name}":${jsonOf(value)}`)
  }
  return members.length === 0 ? undefined : `k:{${members.join(',')}}`
}

/** Why an object in a merged list has no identity, in Kubernetes' words. */
export function withoutKeys(list: ListSchema): string {
  const keys = list.listKeys.map((key) => JSON.stringify(key)).join(' ')
  return `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`
}

/** Plain words, which nearly all keys are, need no escapes. */
function jsonOf(value: unknown): string {
  return typeof value === 'string' && /^[\w./ -]*$/.test(value) ? `"${value}"` : JSON.stringify(value)
}

function keyValue(item: Record<string, unknown>, key: string, list: ListSchema): unknown {
  const value = member(item, key)
  if (value !== undefined || list.items.kind !== 'object') return value
  const field = list.items.fields.get(key)
  return field?.default ?? field?.zero
}

/** Of a key that is no plain value, as messages show it. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return Object.entries(value)
    .map(([name, one]) => `${name}=${valueText(one)}`)
    .join('')
}

/** As messages show a path: `.name`, `[name="c",port=80]`, `[="a"]`, `[0]`. */
export function elementText(element: PathElement): string {
  const rest = element.slice(2)
  switch (element.charAt(0)) {
    case 'f':
      return `.${rest}`
    case 'k':
      return `[${Object.entries(JSON.parse(rest) as Record<string, unknown>)
        .map(([name, value]) => `${name}=${valueText(value)}`)
        .join(',')}]`
    case 'v':
      return `[=${rest}]`
    default:
      return `[${rest}]`
  }
}

/**
 * The one form of an element that a client sent: keys sorted, JSON without spaces. Undefined when it means nothing known,
 * which is skipped. Throws when it is no element at all.
 */
export function parseElement(text: string): PathElement | undefined {
  if (text.charAt(1) !== ':') throw new SyntaxError(`missing colon: ${text}`)
  const rest = text.slice(2)
  switch (text.charAt(0)) {
    case 'f':
      return text
    case 'v':
      return `v:${JSON.stringify(JSON.parse(rest))}`
    case 'i':
      if (!/^-?[0-9]+$/.test(rest)) throw new SyntaxError(`not an index: ${text}`)
      return text
    case 'k': {
      const keys: unknown = JSON.parse(rest)
      if (!isJsonObject(keys)) throw new SyntaxError(`not a key: ${text}`)
      return `k:{${Object.keys(keys)
        .sort()
        .map((name) => `${JSON.stringify(name)}:${JSON.stringify(keys[name])}`)
        .join(',')}}`
    }
    default:
      return undefined
  }
}

const RANKS: Readonly<Record<string, number>> = { '.': -1, f: 0, k: 1, v: 2, i: 3 }

const FIELD = 'f'.charCodeAt(0)

/** The order in which a set is written: itself, fields by name, keys and values by value, indices. */
export function compareElements(a: PathElement, b: PathElement): number {
  const first = a.charCodeAt(0)
  if (first === FIELD && b.charCodeAt(0) === FIELD) return a < b ? -1 : a > b ? 1 : 0
  if (a === b) return 0
  if (first !== b.charCodeAt(0)) return (RANKS[a.charAt(0)] ?? 4) - (RANKS[b.charAt(0)] ?? 4)
  return compareInText(a, b) ?? compareJson(JSON.parse(a.slice(2)), JSON.parse(b.slice(2)))
}

const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)

/** The order of two different elements when the first difference is inside a plain text; undefined when it is not. */
function compareInText(a: string, b: string): number | undefined {
  let inText = false
  for (let at = 2; ; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left === BACKSLASH || right === BACKSLASH) return undefined
    if (left !== right) {
      if (!inText || Number.isNaN(left) || Number.isNaN(right)) return undefined
      return left === QUOTE ? -1 : right === QUOTE ? 1 : left - right
    }
    if (left === QUOTE) inText = !inText
  }
}

/** Numbers before texts before booleans; key lists member by member. */
function compareJson(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (isJsonObject(a) && isJsonObject(b)) return compareKeys(Object.entries(a), Object.entries(b))
  const ranks = ['number', 'string', 'boolean']
  if (typeof a !== typeof b) return ranks.indexOf(typeof a) - ranks.indexOf(typeof b)
  const left = String(a)
  const right = String(b)
  return left < right ? -1 : left > right ? 1 : 0
}

function compareKeys(a: [string, unknown][], b: [string, unknown][]): number {
  for (const [at, [name, value]] of a.entries()) {
    const other = b[at]
    if (other === undefined) return 1
    if (name !== other[0]) return name < other[0] ? -1 : 1
    const order = compareJson(value, other[1])
    if (order !== 0) return order
  }
  return a.length - b.length
}
