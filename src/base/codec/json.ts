import { SampanError } from '../errors.ts'
import { parseMerging } from './json-merge.ts'
import { type FieldPlace, fieldPlaces } from './json-places.ts'
import { syntaxError } from './json-syntax.ts'

/**
 * JSON as a server reads it from strangers: limits first, then `JSON.parse`, which is an order of magnitude faster than any reader
 * written here. What `JSON.parse` hides (keys that occur twice, numbers that are not what they look like) is noticed by one
 * pass over the bytes that costs a few microseconds, and looked for closely only when that pass says that there is something.
 */
export interface JsonLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

/** Deeper than any object that is meant: every walk over a value may recurse this far without fear for the stack. */
export const DEFAULT_JSON_LIMITS: JsonLimits = { maxBytes: 3 * 1024 * 1024, maxDepth: 1000 }

export interface JsonDocument {
  /** Keys called `__proto__` are ordinary own properties in here. */
  readonly value: unknown
  /** Paths of the keys that occur twice, in the order of the document. */
  readonly duplicates: readonly string[]
  /**
   * The text of numbers that JavaScript shows differently (`3.0`, `1e3`, more than 15 digits), by the object or list that
   * holds them and its key. Absent when there are none.
   */
  readonly literals?: NumberLiterals
  /** Where each field stands, for putting messages about fields into the order of the document. Reads the text again. */
  places(): readonly FieldPlace[]
}
export type NumberLiterals = ReadonlyMap<object, ReadonlyMap<string, string>>

/** The text is not JSON. The message is the one that Go's decoder gives. */
export class JsonSyntaxError extends SampanError {
  readonly code = 'JSON_SYNTAX'
}

/** More bytes or deeper nesting than allowed. */
export class JsonTooLarge extends SampanError {
  readonly code = 'JSON_TOO_LARGE'
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** What becomes of a key that stands twice: the last one counts, or objects are merged, as Go does where it knows the type. */
export type RepeatedKeys = 'last' | 'merge'

/** Reads one JSON value. Throws `JsonSyntaxError` or `JsonTooLarge`. Bytes that are not UTF-8 are read as U+FFFD. */
export function readJson(bytes: Uint8Array, limits: JsonLimits = DEFAULT_JSON_LIMITS, repeated: RepeatedKeys = 'last'): JsonDocument {
  if (bytes.length > limits.maxBytes) throw new JsonTooLarge(`${bytes.length} bytes are more than the ${limits.maxBytes} allowed`)
  const scan = scanJson(bytes)
  if (scan.depth > limits.maxDepth) throw new JsonTooLarge('exceeded max depth')
  const text = utf8.decode(bytes)
  const value = SURROGATE.test(text) ? wellFormed(parse(text)) : parse(text)
  const duplicates = countKeys(value) === scan.keys ? NONE : duplicateFields(text)
  if (duplicates.length > 0 && repeated === 'merge') {
    const merged = parseMerging(text)
    return {
      value: merged.value,
      duplicates,
      ...(merged.literals.size === 0 ? {} : { literals: merged.literals }),
      places: () => fieldPlaces(text),
    }
  }
  const literals = scan.oddNumbers ? readLiterals(text) : undefined
  return {
    value: literals?.value ?? value,
    duplicates,
    ...(literals === undefined ? {} : { literals: literals.literals }),
    places: () => fieldPlaces(text),
  }
}

const SURROGATE = /\\u[dD][89a-fA-F]/

/** Escapes can write halves of characters, which no text holds: they are read as U+FFFD. Changes the value in place. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  for (const [key, item] of Object.entries(value)) {
    const next = wellFormed(item)
    if (next !== item) (value as Record<string, unknown>)[key] = next
  }
  return value
}

const NONE: readonly string[] = []

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new JsonSyntaxError(syntaxError(text), { cause })
  }
}

export interface JsonScan {
  /** Keys in the text, those that occur twice counted twice. */
  readonly keys: number
  readonly depth: number
  readonly oddNumbers: boolean
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LONGEST_EXACT_DIGITS = 15

/** What the bytes say without being parsed. For text that is not JSON the answer is meaningless, but the scan ends. */
export function scanJson(bytes: Uint8Array): JsonScan {
  const end = bytes.length
  let keys = 0
  let depth = 0
  let deepest = 0
  let digits = 0
  let oddNumbers = false
  for (let at = 0; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === QUOTE) {
      at++
      for (let inside = bytes[at]; inside !== QUOTE && at < end; inside = bytes[++at]) if (inside === BACKSLASH) at++
      digits = 0
    } else if (byte >= 0x30 && byte <= 0x39) {
      if (++digits > LONGEST_EXACT_DIGITS) oddNumbers = true
    } else {
      if (byte === 0x3a) keys++
      else if (byte === 0x7b || byte === 0x5b) {
        if (++depth > deepest) deepest = depth
      } else if (byte === 0x7d || byte === 0x5d) depth--
      else if (byte === 0x2e || (digits > 0 && (byte === 0x65 || byte === 0x45))) oddNumbers = true
      digits = 0
    }
  }
  return { keys, depth: deepest, oddNumbers }
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let keys = 0
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) {
      const child: unknown = value[at]
      if (typeof child === 'object') keys += countKeys(child)
    }
    return keys
  }
  for (const key in value) {
    keys++
    const child = (value as Record<string, unknown>)[key]
    if (typeof child === 'object') keys += countKeys(child)
  }
  return keys
}

function duplicateFields(text: string): string[] {
  const found = fieldPlaces(text).filter((place) => place.duplicate)
  return found.map((place) => place.path)
}

interface WithLiterals {
  readonly value: unknown
  readonly literals: NumberLiterals
}

function readLiterals(text: string): WithLiterals | undefined {
  const literals = new Map<object, Map<string, string>>()
  const value: unknown = JSON.parse(text, function (
    this: object,
    key: string,
    child: unknown,
    context: { readonly source?: string },
  ): unknown {
    const { source } = context
    if (typeof child === 'number' && source !== undefined && String(child) !== source) {
      const known = literals.get(this)
      if (known === undefined) literals.set(this, new Map([[key, source]]))
      else known.set(key, source)
    }
    return child
  } as (this: unknown, key: string, value: unknown) => unknown)
  return literals.size === 0 ? undefined : { value, literals }
}
