import { Timestamp, type Value, WholeFloat, wholeNumber } from '../value.ts'

const WORDS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
])

const DATE =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?(?:Z|[-+]\d{2}:\d{2})|\s+(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?)?$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const INTEGERS: readonly (readonly [RegExp, number])[] = [
  [/^([-+]?)0[xX]([0-9a-fA-F]+)$/, 16],
  [/^([-+]?)0[bB]([01]+)$/, 2],
  [/^([-+]?)0[oO]?([0-7]+)$/, 8],
  [/^([-+]?)(0|[1-9][0-9]*)$/, 10],
]

/**
 * The value of an unquoted YAML scalar as the reader of Compose v2 has it: YAML 1.2 words (`yes` is text), with YAML 1.1's
 * `0755`, `1_000` and dates.
 */
export function plainScalar(text: string): Value {
  const word = WORDS.get(text)
  if (word !== undefined) return word
  if (!/^[-+.0-9]/.test(text)) return text
  if (isMoment(text)) return new Timestamp(text)
  const digits = text.replaceAll('_', '')
  for (const [pattern, radix] of INTEGERS) {
    const match = pattern.exec(digits)
    if (match !== null) return wholeOf(match[1] ?? '', match[2] ?? '', radix)
  }
  if (!FLOAT.test(digits)) return text
  const value = Number(digits)
  if (!Number.isFinite(value)) return text
  return Number.isInteger(value) ? new WholeFloat(value) : value
}

const PREFIXES: Readonly<Record<number, string>> = { 16: '0x', 8: '0o', 2: '0b', 10: '' }

/** What 64 bits do not hold is a number with a point. */
function wholeOf(sign: string, digits: string, radix: number): Value {
  const exact = BigInt(`${PREFIXES[radix] ?? ''}${digits}`) * (sign === '-' ? -1n : 1n)
  return exact >= 2n ** 64n || exact < -(2n ** 63n) ? new WholeFloat(Number(exact)) : wholeNumber(exact)
}

/** A date that the calendar has, with or without a time of the day. */
function isMoment(text: string): boolean {
  const match = DATE.exec(text)
  if (match === null) return false
  const [year = 0, month = 0, day = 0, ...times] = match.slice(1).map((part: string | undefined) => Number(part ?? 0))
  const [hour = 0, minute = 0, second = 0, hours = 0, minutes = 0, seconds = 0] = times
  const date = new Date(Date.UTC(year, month - 1, day))
  return (
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour + hours < 24 && minute + minutes < 60 && second + seconds < 60
  )
}
