import { SampanError } from '#base/pure'

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

/** An exact number, mantissa × 10^scale, and the notation in which it is written. */
export interface Quantity {
  readonly mantissa: bigint
  readonly scale: number
  readonly format: QuantityFormat
}

export class QuantityError extends SampanError {
  readonly code = 'BAD_QUANTITY'
}

const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const SUFFIX_WRONG = "unable to parse quantity's suffix"
const SYNTAX = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*(?:[-+]?[0-9]*))$/
const MAX_INT64 = 2n ** 63n - 1n
/** Finer than this is rounded away from zero. */
const NANO = -9

const DECIMAL_SUFFIXES: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const DECIMAL_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(DECIMAL_SUFFIXES).map(([name, exponent]) => [exponent, name]),
)
const BINARY_SUFFIXES: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }
const BINARY_NAMES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** Reads `100m`, `1.5Gi`, `1e3`, …. Throws a QuantityError in Kubernetes' words. */
export function parseQuantity(text: string): Quantity {
  const match = SYNTAX.exec(text)
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match ?? []
  if (match === null || whole + fraction === '') throw new QuantityError(FORMAT_WRONG)
  const digits = BigInt(whole + fraction)
  const shift = BINARY_SUFFIXES[suffix]
  if (shift !== undefined) return binary(sign === '-', digits << shift, -fraction.length)
  const exponential = /^[eE]([-+]?[0-9]+)$/.exec(suffix)
  const exponent = exponential === null ? DECIMAL_SUFFIXES[suffix] : Number(exponential[1])
  if (exponent === undefined || Math.abs(exponent) > 1000) throw new QuantityError(SUFFIX_WRONG)
  const { mantissa, scale } = roundUp(digits, exponent - fraction.length, NANO)
  return { mantissa: sign === '-' ? -mantissa : mantissa, scale, format: exponential === null ? 'DecimalSI' : 'DecimalExponent' }
}

function binary(negative: boolean, digits: bigint, scale: number): Quantity {
  let { mantissa, scale: rounded } = roundUp(digits, scale, NANO)
  const one = 10n ** BigInt(-rounded)
  if (mantissa > MAX_INT64 * one) [mantissa, rounded] = [MAX_INT64, 0]
  const format = mantissa > 0n && mantissa < one ? 'DecimalSI' : 'BinarySI'
  return { mantissa: negative ? -mantissa : mantissa, scale: rounded, format }
}

/** A magnitude at a scale of at least `finest`, away from zero where digits are lost. */
function roundUp(magnitude: bigint, scale: number, finest: number): { mantissa: bigint; scale: number } {
  if (scale >= finest) return { mantissa: magnitude, scale }
  const divisor = 10n ** BigInt(finest - scale)
  return { mantissa: (magnitude + divisor - 1n) / divisor, scale: finest }
}

/** The one form in which Kubernetes writes a quantity: `1000m` is `1`, `0.5Gi` is `512Mi`, `1e3` stays. */
export function canonicalQuantity(value: string | number): string {
  const text = String(value)
  return text === '0' || isCanonical(text) ? text : formatQuantity(parseQuantity(text))
}

/** Recognizes the usual canonical forms: a whole number, alone or of thousandths, thousands or powers of 1024, that no other suffix fits. */
function isCanonical(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  if (last === 105 && 'KMGT'.includes(text.charAt(text.length - 2))) {
    const count = digitsUpTo(text, text.length - 2)
    return count !== undefined && count % 1024 !== 0 && text.charCodeAt(0) !== 48
  }
  const count = digitsUpTo(text, isDigit(last) || !'mkMGT'.includes(text.charAt(text.length - 1)) ? text.length : text.length - 1)
  return count !== undefined && count % 1000 !== 0 && text.charCodeAt(0) !== 48
}

export function formatQuantity({ mantissa, scale, format }: Quantity): string {
  if (mantissa === 0n) return '0'
  const whole = format === 'BinarySI' ? wholeOf(mantissa, scale) : undefined
  if (whole !== undefined && (whole <= -1024n || whole >= 1024n)) return formatBinary(whole)
  let exponent = scale
  while (mantissa % 10n === 0n) {
    mantissa /= 10n
    exponent++
  }
  const excess = ((exponent % 3) + 3) % 3
  mantissa *= 10n ** BigInt(excess)
  exponent -= excess
  if (format === 'DecimalExponent') return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`
  // The largest suffix there is carries what is above it.
  if (exponent > 18) return `${mantissa * 10n ** BigInt(exponent - 18)}E`
  return `${mantissa}${DECIMAL_NAMES[exponent] ?? ''}`
}

function formatBinary(whole: bigint): string {
  let power = 0
  while (whole % 1024n === 0n && power < BINARY_NAMES.length - 1) {
    whole /= 1024n
    power++
  }
  return `${whole}${BINARY_NAMES[power] ?? ''}`
}

/** The value as an integer, or undefined when it has a fraction. */
function wholeOf(mantissa: bigint, scale: number): bigint | undefined {
  if (scale >= 0) return mantissa * 10n ** BigInt(scale)
  const divisor = 10n ** BigInt(-scale)
  return mantissa % divisor === 0n ? mantissa / divisor : undefined
}

export type QuantityLike = string | number | Quantity

function quantityOf(value: QuantityLike): Quantity {
  return typeof value === 'object' ? value : parseQuantity(String(value))
}

/** Negative when `a` is less than `b`, 0 when they are the same amount however written, positive otherwise. */
export function compareQuantities(a: QuantityLike, b: QuantityLike): number {
  if (a === b) return 0
  if (typeof a === 'string' && typeof b === 'string') {
    const first = simpleNumber(a)
    const second = first === undefined ? undefined : simpleNumber(b)
    if (first !== undefined && second !== undefined) return first - second
  }
  const [left, right] = aligned(quantityOf(a), quantityOf(b))
  return left < right ? -1 : left > right ? 1 : 0
}

function aligned(a: Quantity, b: Quantity): [left: bigint, right: bigint, scale: number] {
  const scale = Math.min(a.scale, b.scale)
  return [a.mantissa * 10n ** BigInt(a.scale - scale), b.mantissa * 10n ** BigInt(b.scale - scale), scale]
}

/** The exact sum, written in the notation of `a` (of `b` when `a` is zero). */
export function addQuantities(a: QuantityLike, b: QuantityLike): string {
  const first = quantityOf(a)
  const second = quantityOf(b)
  const [left, right, scale] = aligned(first, second)
  return formatQuantity({ mantissa: left + right, scale, format: first.mantissa === 0n ? second.format : first.format })
}

/** The exact difference, written in the notation of `a` (of `b` when `a` is zero). */
export function subtractQuantities(a: QuantityLike, b: QuantityLike): string {
  const second = quantityOf(b)
  return addQuantities(a, { ...second, mantissa: -second.mantissa })
}

/** The same in whole units, a fraction counting as one more. */
export function wholeQuantity(value: QuantityLike): string {
  const { mantissa, scale, format } = quantityOf(value)
  const rounded = roundUp(mantissa < 0n ? -mantissa : mantissa, scale, 0)
  return formatQuantity({ mantissa: mantissa < 0n ? -rounded.mantissa : rounded.mantissa, scale: rounded.scale, format })
}

/** The nearest JavaScript number. */
export function quantityToNumber(value: QuantityLike): number {
  const simple = typeof value === 'string' ? simpleNumber(value) : undefined
  if (simple !== undefined) return simple
  const { mantissa, scale } = quantityOf(value)
  const whole = wholeOf(mantissa, scale)
  return whole === undefined ? Number(`${mantissa}e${scale}`) : Number(whole)
}

/** The value in whole units (bytes, pods), a fraction counting as one more. */
export function quantityValue(value: QuantityLike): number {
  const simple = typeof value === 'string' ? simpleNumber(value) : undefined
  if (simple !== undefined && Number.isInteger(simple)) return simple
  return roundedAt(quantityOf(value), 0)
}

/** The value in thousandths (milli-CPU), a fraction of one counting as one more. */
export function quantityMilli(value: QuantityLike): number {
  if (typeof value === 'string') {
    const last = value.length - 1
    if (value.charCodeAt(last) === 109) {
      const milli = digitsUpTo(value, last)
      if (milli !== undefined) return milli
    }
    const whole = digitsUpTo(value, value.length)
    if (whole !== undefined) return whole * 1000
  }
  return roundedAt(quantityOf(value), -3)
}

function roundedAt({ mantissa, scale }: Quantity, finest: number): number {
  const rounded = roundUp(mantissa < 0n ? -mantissa : mantissa, scale, finest)
  const units = Number(rounded.mantissa * 10n ** BigInt(rounded.scale - finest))
  return mantissa < 0n ? -units : units
}

/** Digits, and digits with Ki, Mi, Gi or Ti, without exact arithmetic where a double is exact. */
function simpleNumber(text: string): number | undefined {
  const length = text.length
  if (text.charCodeAt(length - 1) !== 105) return digitsUpTo(text, length)
  const power = ' KMGT'.indexOf(text.charAt(length - 2))
  const digits = power < 1 ? undefined : digitsUpTo(text, length - 2)
  const value = digits === undefined ? undefined : digits * 1024 ** power
  return value !== undefined && value <= Number.MAX_SAFE_INTEGER ? value : undefined
}

function digitsUpTo(text: string, end: number): number | undefined {
  if (end === 0 || end > 12) return undefined
  let value = 0
  for (let at = 0; at < end; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}
