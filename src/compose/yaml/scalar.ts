import { Timestamp, type Value, WholeFloat } from '../value.ts'

const WORDS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
])

const DATE = /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|\s+)\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?\s*(?:Z|[-+]\d{1,2}(?::?\d{2})?)?)?$/
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
  if (DATE.test(text)) return new Timestamp(text)
  const digits = text.replaceAll('_', '')
  for (const [pattern, radix] of INTEGERS) {
    const match = pattern.exec(digits)
    if (match !== null) return wholeNumber(text, Number.parseInt(`${match[1] ?? ''}${match[2] ?? ''}`, radix))
  }
  if (!FLOAT.test(digits)) return text
  const value = Number(digits)
  if (!Number.isFinite(value)) return text
  return Number.isInteger(value) ? new WholeFloat(value) : value
}

/** A number that cannot be held exactly stays the text that it was. */
const wholeNumber = (text: string, value: number): Value => (Number.isSafeInteger(value) ? value : text)
