import { CelError } from './error.ts'

/**
 * Whole numbers are plain numbers while these are exact, and bigints beyond: the same number is always in the same form. Floating
 * point and unsigned numbers are wrapped, since they are rarer.
 */
export type Int = number | bigint

export class Double {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}
export class Uint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

const MAX_INT = 2n ** 63n - 1n
const MIN_INT = -(2n ** 63n)
const MAX_UINT = 2n ** 64n - 1n
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

export const OVERFLOW = new CelError('integer overflow')
export const UINT_OVERFLOW = new CelError('unsigned integer overflow')
const DIVISION = new CelError('division by zero')
const MODULUS = new CelError('modulus by zero')

export function intOf(value: bigint): Int | CelError {
  if (value <= MAX_SAFE && value >= -MAX_SAFE) return Number(value)
  return value > MAX_INT || value < MIN_INT ? OVERFLOW : value
}
export function uintOf(value: bigint): Uint | CelError {
  return value < 0n || value > MAX_UINT ? UINT_OVERFLOW : new Uint(value)
}

export function addInts(a: Int, b: Int): Int | CelError {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  return intOf(BigInt(a) + BigInt(b))
}
export function subtractInts(a: Int, b: Int): Int | CelError {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b
    if (Number.isSafeInteger(difference)) return difference
  }
  return intOf(BigInt(a) - BigInt(b))
}
export function multiplyInts(a: Int, b: Int): Int | CelError {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b
    // Adding zero makes plain zero of negative zero.
    if (Number.isSafeInteger(product)) return product + 0
  }
  return intOf(BigInt(a) * BigInt(b))
}
export function divideInts(a: Int, b: Int): Int | CelError {
  if (b === 0) return DIVISION
  if (typeof a === 'number' && typeof b === 'number') return (a - (a % b)) / b + 0
  return intOf(BigInt(a) / BigInt(b))
}
export function moduloInts(a: Int, b: Int): Int | CelError {
  if (b === 0) return MODULUS
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0
  return intOf(BigInt(a) % BigInt(b))
}
export const negateInt = (a: Int): Int | CelError => subtractInts(0, a)

export const addUints = (a: Uint, b: Uint): Uint | CelError => uintOf(a.value + b.value)
export const subtractUints = (a: Uint, b: Uint): Uint | CelError => uintOf(a.value - b.value)
export const multiplyUints = (a: Uint, b: Uint): Uint | CelError => uintOf(a.value * b.value)
export const divideUints = (a: Uint, b: Uint): Uint | CelError => (b.value === 0n ? DIVISION : new Uint(a.value / b.value))
export const moduloUints = (a: Uint, b: Uint): Uint | CelError => (b.value === 0n ? MODULUS : new Uint(a.value % b.value))

/** Negative, zero or positive; undefined when one of them is no number (NaN). Beside a floating-point number others are made one. */
export function compareNumbers(a: Int | Double | Uint, b: Int | Double | Uint): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const isFloating = a instanceof Double || b instanceof Double
  const x = plain(a)
  const y = plain(b)
  const [left, right] = isFloating ? [Number(x), Number(y)] : [x, y]
  if (isFloating && (Number.isNaN(left) || Number.isNaN(right))) return undefined
  return left < right ? -1 : left > right ? 1 : 0
}

const plain = (value: Int | Double | Uint): number | bigint => (value instanceof Double || value instanceof Uint ? value.value : value)

/** A floating-point number cut to a whole one; undefined outside of 64 bits. */
export function intOfDouble(value: number): Int | undefined {
  if (!(value > -9_223_372_036_854_775_808 && value < 9_223_372_036_854_775_808)) return undefined
  const whole = Math.trunc(value) + 0
  return Number.isSafeInteger(whole) ? whole : BigInt(whole)
}

/** As Go's shortest `%g` prints it: `1e+20`, `0.1`, `100000`, `1.5e+06`. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  const [digits = '', power = '0'] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent >= -4 && exponent < 6) return String(value)
  return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}
