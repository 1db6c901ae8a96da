import { goQuote } from '../../meta/go-format.ts'
import { FormatProblem, type Verb, wrongArgument } from '../library/format-string.ts'

import { CelError } from './error.ts'
import { compareStrings } from './equality.ts'
import { Double, doubleText, Uint } from './numbers.ts'
import { Duration, Timestamp } from './time.ts'
import { isInt, typeNameOf } from './types.ts'
import { ListValue, MapValue, type Outcome, TypeValue, type Value } from './value.ts'

/** No text that an expression makes is longer. */
export const LONGEST_TEXT = 10_000_000
/** And no list or map is written out at greater length. */
const LONGEST_CONTAINER = 1_000_000
const TOO_LONG = 'the text is too long'

/** A value as `string()` gives it; undefined for those that have no text. */
export function textOf(value: Value): string | CelError | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || isInt(value)) return String(value)
  if (value instanceof Double) return doubleText(value.value)
  if (value instanceof Uint) return String(value.value)
  if (value instanceof Timestamp || value instanceof Duration) return value.toString()
  if (value instanceof TypeValue) return value.name
  if (value instanceof Uint8Array) return utf8Text(value) ?? new CelError('invalid UTF-8 in bytes, cannot convert to string')
  return undefined
}

export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** One clause of a format. Throws a FormatProblem. */
export function formatValue(value: Value, verb: Verb, precision: number): string {
  switch (verb) {
    case 's':
      return plainText(value)
    case 'd':
      return digits(value, 10, verb)
    case 'o':
      return digits(value, 8, verb)
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : digits(value, 2, verb)
    case 'x':
      return hexText(value, verb)
    case 'X':
      return hexText(value, verb).toUpperCase()
    case 'f':
      return fixed(doubleOf(value, verb), precision)
    case 'e':
      return scientific(doubleOf(value, verb)).padStart(precision)
  }
}

function digits(value: Value, base: number, verb: Verb): string {
  if (isInt(value)) return value.toString(base)
  if (value instanceof Uint) return value.value.toString(base)
  throw wrongArgument(verb, typeNameOf(value))
}

function hexText(value: Value, verb: Verb): string {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  if (!(bytes instanceof Uint8Array)) return digits(value, 16, verb)
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const SPECIAL: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

function doubleOf(value: Value, verb: Verb): number {
  if (value instanceof Double) return value.value
  if (typeof value === 'string' && Object.hasOwn(SPECIAL, value)) return SPECIAL[value] as number
  throw wrongArgument(verb, typeNameOf(value))
}

/** As an American would write it. */
function fixed(value: number, precision: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞'
  const [whole = '', fraction] = fixedDigits(value, precision).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

const MOST_DIGITS = 100

function fixedDigits(value: number, precision: number): string {
  const shown = Math.min(precision, MOST_DIGITS)
  const text = Math.abs(value) >= 1e21 ? `${BigInt(value)}${shown > 0 ? `.${'0'.repeat(shown)}` : ''}` : rounded(value, shown)
  return precision > shown ? text + '0'.repeat(Math.min(precision, LONGEST_TEXT) - shown) : text
}

/** What lies exactly between two texts becomes the even one. */
function rounded(value: number, digits: number): string {
  const text = value.toFixed(digits)
  if (digits >= MOST_DIGITS) return text
  const longer = value.toFixed(digits + 1)
  if (!longer.endsWith('5') || Number(longer) !== value) return text
  const cut = longer.slice(0, digits === 0 ? -2 : -1)
  return Number(cut.at(-1)) % 2 === 0 ? cut : text
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

function scientific(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞'
  const [mantissa = '', exponent = '0'] = value.toExponential(6).split('e')
  const power = Math.abs(Number(exponent)).toString().padStart(2, '0')
  const raised = [...power].map((digit) => SUPERSCRIPTS.charAt(Number(digit))).join('')
  return `${mantissa}×10${Number(exponent) < 0 ? '⁻' : ''}${raised}`
}

function plainText(value: Value): string {
  if (value === null) return 'null'
  if (value instanceof ListValue || value instanceof MapValue) return new Writer().container(value)
  const text = textOf(value)
  if (text === undefined) throw wrongArgument('s', typeNameOf(value))
  if (text instanceof CelError) throw new FormatProblem(text.message)
  return text
}

/** Lists and maps, as deep as they are, as long as a text may be. */
class Writer {
  #left = LONGEST_CONTAINER

  container(value: ListValue | MapValue): string {
    return value instanceof ListValue ? this.#list(value) : this.#map(value)
  }

  #list(list: ListValue): string {
    const parts: string[] = []
    for (let i = 0; i < list.size; i++) parts.push(this.#part(list.at(i)))
    return `[${parts.join(', ')}]`
  }

  #map(map: MapValue): string {
    const pairs = map.keys().map((key) => {
      if (typeof key !== 'string' && typeof key !== 'boolean' && !isInt(key) && !(key instanceof Uint))
        throw new FormatProblem(`no formatting function for map key of type ${typeNameOf(key)}`)
      const text = typeof key === 'string' ? goQuote(key) : plainText(key)
      return [text, this.#part(map.get(key) ?? null)] as const
    })
    pairs.sort(([a], [b]) => compareStrings(a, b))
    return `{${pairs.map(([key, value]) => `${key}:${value}`).join(', ')}}`
  }

  #part(value: Outcome): string {
    if (value instanceof CelError) throw new FormatProblem(value.message)
    const text = this.#text(value)
    this.#left -= text.length + 2
    if (this.#left < 0) throw new FormatProblem(TOO_LONG)
    return text
  }

  #text(value: Value): string {
    if (value instanceof ListValue || value instanceof MapValue) return this.container(value)
    if (value instanceof Timestamp) return `timestamp("${value.toString()}")`
    if (value instanceof Duration) return `duration("${value.toString()}")`
    if (value instanceof Double) {
      if (Number.isFinite(value.value)) return fixedDigits(value.value, 6)
      return goQuote(doubleText(value.value))
    }
    if (typeof value === 'string') return goQuote(value)
    if (value instanceof Uint8Array) return `b${goQuote(plainText(value))}`
    if (value !== null && textOf(value) === undefined) throw new FormatProblem(`no formatting function for ${typeNameOf(value)}`)
    return plainText(value)
  }
}
