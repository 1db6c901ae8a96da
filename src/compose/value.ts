/**
 * What a Compose file holds once its YAML is read: JSON's values, and moments, which no key of Compose takes. Whole numbers that a number does not hold exactly
 * are bigints.
 */
export type Value = null | boolean | number | bigint | string | Timestamp | WholeFloat | Value[] | Dict
export interface Dict {
  [key: string]: Value
}

/** An unquoted date. Kept apart from text so that it is refused where text is wanted, as Compose does. */
export class Timestamp {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A whole number that was written with a point or an exponent (`1.0`, `1e3`): where a size or a port is wanted it is none. */
export class WholeFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** Exact: a number where that holds it. */
export function wholeNumber(exact: bigint): number | bigint {
  const value = Number(exact)
  return Number.isSafeInteger(value) ? value : exact
}

/** As opposed to one that was written with a point or an exponent. */
export const isWhole = (value: Value | undefined): value is number | bigint =>
  typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))

/** Keys from the root, and list positions as `[2]`. */
export type Path = readonly string[]

/** Dictionaries have no prototype: a key named `__proto__` is a key. */
export function dict(entries: Iterable<readonly [string, Value]> = []): Dict {
  const made = Object.create(null) as Dict
  for (const [key, value] of entries) made[key] = value
  return made
}

export function isDict(value: Value | undefined): value is Dict {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Timestamp) && !(value instanceof WholeFloat)
  )
}

export function mapDict(from: Dict, change: (value: Value, key: string) => Value | undefined): Dict {
  const made = dict()
  for (const [key, value] of Object.entries(from)) {
    const changed = change(value, key)
    if (changed !== undefined) made[key] = changed
  }
  return made
}

export function childDict(of: Dict, key: string): Dict {
  const found = of[key]
  return isDict(found) ? found : dict()
}

/** `services.web.ports.[0]` */
export function pathText(path: Path): string {
  return path.join('.')
}

/** `*` stands for one key, `[]` for any list position. */
export function pathMatches(path: Path, pattern: string): boolean {
  const parts = pattern.split('.')
  return (
    parts.length === path.length &&
    parts.every((part, at) => part === '*' || part === path[at] || (part === '[]' && (path[at] ?? '').startsWith('[')))
  )
}

/** Text of a scalar as Compose prints it where text is wanted. */
export function scalarText(value: Value): string {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value).toString() : floatText(value)
  if (value instanceof WholeFloat) return floatText(value.value)
  return value instanceof Timestamp ? value.text : String(value)
}

/** With an exponent from a million on and below a ten-thousandth. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2') : String(value)
}

/** The same of any value, for words that nobody reads back. */
export const shownText = (value: Value): string => (Array.isArray(value) || isDict(value) ? JSON.stringify(value) : scalarText(value))

export function sameValue(a: Value, b: Value): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => sameValue(item, b[at] ?? null))
  if (isDict(a)) {
    if (!isDict(b)) return false
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameValue(a[key] ?? null, b[key] ?? null))
  }
  if (a instanceof Timestamp) return b instanceof Timestamp && a.text === b.text
  return a instanceof WholeFloat ? b instanceof WholeFloat && a.value === b.value : a === b
}
