import { CelError } from './error.ts'
import { type Int, intOf } from './numbers.ts'

const BILLION = 1_000_000_000
const NANOS_PER_SECOND = 1_000_000_000n
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const FIRST_SECOND = -62_135_596_800
const LAST_SECOND = 253_402_300_799
const MAX_NANOS = 2n ** 63n - 1n

const OUT_OF_RANGE = new CelError('timestamp overflow')
const DURATION_OVERFLOW = new CelError('duration overflow')

/** Whether a moment that is so many seconds after 1970 began is in the years 1 to 9999. */
export const isEpochSecond = (seconds: Int): boolean => seconds >= FIRST_SECOND && seconds <= LAST_SECOND

export class Timestamp {
  /** Of the Unix epoch. */
  readonly seconds: number
  readonly nanos: number
  /** How far the clock that it was written by was ahead of UTC; seen only when it is written again. */
  readonly offsetSeconds: number

  private constructor(seconds: number, nanos: number, offsetSeconds: number) {
    this.seconds = seconds
    this.nanos = nanos
    this.offsetSeconds = offsetSeconds
  }
  static of(seconds: number, nanos: number, offsetSeconds = 0): Timestamp | CelError {
    return seconds < FIRST_SECOND || seconds > LAST_SECOND ? OUT_OF_RANGE : new Timestamp(seconds, nanos, offsetSeconds)
  }
  plus(nanos: bigint): Timestamp | CelError {
    const total = BigInt(this.nanos) + nanos
    const carry = floorDivide(total, NANOS_PER_SECOND)
    return Timestamp.of(this.seconds + Number(carry), Number(total - carry * NANOS_PER_SECOND), this.offsetSeconds)
  }
  minus(other: Timestamp): Duration | CelError {
    return Duration.of(BigInt(this.seconds - other.seconds) * NANOS_PER_SECOND + BigInt(this.nanos - other.nanos))
  }
  compare(other: Timestamp): number {
    return this.seconds - other.seconds || this.nanos - other.nanos
  }
  /** RFC 3339, with as many digits as it takes. */
  toString(): string {
    const { year, month, day, hour, minute, second } = fieldsOf(this.seconds + this.offsetSeconds)
    const fraction = this.nanos === 0 ? '' : `.${String(this.nanos).padStart(9, '0').replace(/0+$/, '')}`
    const clock = `${two(hour)}:${two(minute)}:${two(second)}${fraction}`
    return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${clock}${zoneText(this.offsetSeconds)}`
  }
}

const two = (value: number): string => String(value).padStart(2, '0')

function zoneText(offsetSeconds: number): string {
  if (offsetSeconds === 0) return 'Z'
  const minutes = Math.floor(Math.abs(offsetSeconds) / 60)
  return `${offsetSeconds < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}

export class Duration {
  readonly nanos: bigint
  private constructor(nanos: bigint) {
    this.nanos = nanos
  }
  static readonly zero = new Duration(0n)
  static of(nanos: bigint): Duration | CelError {
    return nanos > MAX_NANOS || nanos < -MAX_NANOS - 1n ? DURATION_OVERFLOW : new Duration(nanos)
  }
  compare(other: Duration): number {
    return this.nanos < other.nanos ? -1 : this.nanos > other.nanos ? 1 : 0
  }
  /** In seconds: `90s`, `1.5s`. */
  toString(): string {
    const magnitude = this.nanos < 0n ? -this.nanos : this.nanos
    const rest = magnitude % NANOS_PER_SECOND
    const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`
    return `${this.nanos < 0n ? '-' : ''}${magnitude / NANOS_PER_SECOND}${fraction}s`
  }
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

/** Undefined when it is no RFC 3339 time. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = RFC3339.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  const [fraction = '', sign, zoneHour = '0', zoneMinute = '0'] = match.slice(7)
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) return undefined
  if (Number(zoneHour) > 24 || Number(zoneMinute) > 59) return undefined
  const offset = (sign === '-' ? -1 : 1) * (Number(zoneHour) * 3600 + Number(zoneMinute) * 60)
  const nanos = Number(fraction.slice(0, 9).padEnd(9, '0'))
  const made = Timestamp.of(daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset, nanos, offset)
  return made instanceof CelError ? undefined : made
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
const daysIn = (year: number, month: number): number => (month === 2 && isLeap(year) ? 29 : (MONTH_DAYS[month - 1] ?? 0))

/** Of the proleptic Gregorian calendar. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

export interface TimeFields {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** Sunday is 0. */
  readonly weekday: number
  /** From 0. */
  readonly dayOfYear: number
}

/** Seconds of the epoch as a calendar and clock in UTC show them. */
export function fieldsOf(seconds: number): TimeFields {
  const days = Math.floor(seconds / 86_400)
  const rest = seconds - days * 86_400
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfMarchYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthIndex = Math.floor((5 * dayOfMarchYear + 2) / 153)
  const day = dayOfMarchYear - Math.floor((153 * monthIndex + 2) / 5) + 1
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return {
    year,
    month,
    day,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    dayOfYear: days - daysSinceEpoch(year, 1, 1),
  }
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: NANOS_PER_SECOND,
  m: 60n * NANOS_PER_SECOND,
  h: 3600n * NANOS_PER_SECOND,
}

/** Reads `1h30m`, `-1.5s`, `0`. Undefined when it is no duration, or too long a one. */
export function parseDuration(text: string): Duration | undefined {
  const sign = /^[+-]/.exec(text)?.[0]
  const body = sign === undefined ? text : text.slice(1)
  if (body === '0') return Duration.zero
  const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y
  let total = 0n
  let end = 0
  for (let match = part.exec(body); match !== null; match = part.exec(body)) {
    const [, whole = '', fraction = '', unit = ''] = match
    if (whole === '' && fraction === '') return undefined
    const size = UNITS[unit] as bigint
    total += BigInt(whole === '' ? '0' : whole) * size + (BigInt(`0${fraction}`) * size) / 10n ** BigInt(fraction.length)
    end = part.lastIndex
    if (end > 200 || total > MAX_NANOS + 1n) return undefined
  }
  if (end === 0 || end !== body.length) return undefined
  const made = Duration.of(sign === '-' ? -total : total)
  return made instanceof CelError ? undefined : made
}

/** Whole units of a duration, cut toward zero. */
export function inUnits(duration: Duration, nanosPerUnit: number): Int {
  const whole = intOf(duration.nanos / BigInt(nanosPerUnit))
  return whole instanceof CelError ? 0 : whole
}

export const NANOS = { second: BILLION, minute: 60 * BILLION, hour: 3600 * BILLION, millisecond: 1_000_000 } as const

/** How far the clocks of a zone are ahead of UTC at a moment: `America/New_York`, `+02:00`, `UTC`. */
export function zoneOffset(zone: string, seconds: number): number | CelError {
  // The server's own zone is that of its clock: UTC.
  if (zone === '' || zone === 'UTC' || zone === 'Local') return 0
  if (zone.includes(':')) {
    const match = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone)
    if (match === null) return new CelError(`unknown time zone ${zone}`)
    return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60)
  }
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }).formatToParts(seconds * 1000)
    const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value ?? 0)
    const era = parts.find(({ type }) => type === 'era')?.value
    const year = era === 'BC' ? 1 - part('year') : part('year')
    const local = daysSinceEpoch(year, part('month'), part('day')) * 86_400 + part('hour') * 3600 + part('minute') * 60 + part('second')
    return local - seconds
  } catch {
    return new CelError(`unknown time zone ${zone}`)
  }
}
