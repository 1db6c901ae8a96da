import { type Dict, Timestamp, type Value, WholeFloat, dict, isDict, isWhole, mapDict, scalarText, wholeNumber } from '../value.ts'
import { durationNs, durationText, floatOf, shellWords, sizeBytes } from './amounts.ts'

/** How a value is brought to the type of its key. Each throws a `RangeError` whose message is Compose's. */
type Decode = (value: Value) => Value

const kindOf = (value: Value): string => {
  if (value instanceof Timestamp) return 'time.Time'
  if (value instanceof WholeFloat) return 'float64'
  if (typeof value === 'bigint') return value >= 2n ** 63n ? 'uint64' : 'int'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (typeof value === 'boolean') return 'bool'
  return Array.isArray(value) ? '[]interface {}' : isDict(value) ? 'map[string]interface {}' : 'string'
}

const unconvertible = (wanted: string, value: Value): never => {
  throw new RangeError(`expected type '${wanted}', got unconvertible type '${kindOf(value)}'`)
}

export const text: Decode = (value) =>
  typeof value === 'string' ? value : isWhole(value) ? scalarText(value) : unconvertible('string', value)

/** Text of any scalar. */
export const anyText: Decode = (value) => {
  if (value instanceof Timestamp) throw new RangeError('unexpected type time.Time')
  return scalarText(value)
}

export const texts: Decode = (value) => (Array.isArray(value) ? value.map(text) : unconvertible('[]string', value))

/** One text or several. */
export const oneOrMore: Decode = (value) => {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new RangeError(`invalid type ${kindOf(value)} for string list`)
}

export const anyTexts: Decode = (value) =>
  typeof value === 'string' ? [value] : Array.isArray(value) ? value.map(anyText) : unconvertible('string list', value)

/** What is left of the point. */
export const integer: Decode = (value) => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Math.trunc(value)
  if (value instanceof WholeFloat) return value.value
  if (typeof value !== 'string') return unconvertible('int', value)
  if (!/^[-+]?\d+$/.test(value)) throw new RangeError(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`)
  return wholeNumber(BigInt(value.replace(/^\+/, '')))
}

/** Whole numbers from zero on, up to so many bits. Text is not taken for one. */
export const unsigned =
  (bits: 16 | 32 | 64): Decode =>
  (value) => {
    if (typeof value === 'string') return unconvertible(`uint${bits}`, value)
    const number = integer(value)
    if (!isWhole(number) || number < 0) throw new RangeError(`cannot parse value as 'uint${bits}': ${String(number)} overflows uint`)
    return bits === 64 ? number : Number(BigInt(number) % 2n ** BigInt(bits))
  }

/** Numbers are kept in 32 bits, and shown in as few digits as say the same. */
export const decimal: Decode = (value) => {
  const number =
    typeof value === 'string'
      ? parseDecimal(value)
      : value instanceof WholeFloat
        ? value.value
        : typeof value === 'bigint'
          ? Number(value)
          : value
  if (typeof number !== 'number') return unconvertible('float32', value)
  const short = Math.fround(number)
  for (let digits = 1; digits < 10; digits++)
    if (Math.fround(Number(short.toPrecision(digits))) === short) return Number(short.toPrecision(digits))
  return short
}

function parseDecimal(value: string): number {
  const number = floatOf(value)
  if (number === undefined) throw new RangeError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`)
  return number
}

export const truth: Decode = (value) => {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return unconvertible('bool', value)
  const word = value.toLowerCase()
  if (['true', 'y', 'yes', 'on'].includes(word)) return true
  if (['false', 'n', 'no', 'off'].includes(word)) return false
  throw new RangeError(`invalid boolean: ${value}`)
}

/** Bytes; a number with a point or an exponent is none, and none is nothing. */
export const size: Decode = (value) => {
  const bytes = typeof value === 'string' ? sizeBytes(value) : isWhole(value) ? value : 0
  return bytes === 0 ? '' : String(bytes)
}
export const rate: Decode = (value) => size(value) || '0'

export const duration: Decode = (value) => durationText(durationNs(scalarText(value)))
/** The same where no time is nothing. */
export const timeSpan: Decode = (value) => {
  const shown = duration(value)
  return shown === '0s' ? '' : shown
}

export const command: Decode = (value) => (typeof value === 'string' ? shellWords(value) : Array.isArray(value) ? value : null)

export const healthTest: Decode = (value) => (typeof value === 'string' ? ['CMD-SHELL', value] : value)

export const count: Decode = (value) => {
  if (isWhole(value)) return value
  if (typeof value !== 'string') throw new RangeError(`invalid type ${kindOf(value)} for device count`)
  if (value.toLowerCase() === 'all') return -1
  if (/^[-+]?\d+$/.test(value)) return wholeNumber(BigInt(value.replace(/^\+/, '')))
  throw new RangeError(`invalid value ${JSON.stringify(value)}, the only value allowed is 'all' or a number`)
}

/** `KEY=value` lists and maps; a bare key has no value. */
export const mapping: Decode = (value) => {
  const read = pairs(value, null)
  const spaced = Array.isArray(value) ? Object.keys(read).find((name) => /\s$/.test(name)) : undefined
  if (spaced !== undefined) throw new RangeError(`environment variable ${spaced} is declared with a trailing space`)
  return read
}
/** The same where a bare key has an empty value. */
export const labels: Decode = (value) => pairs(value, '')

function pairs(value: Value, bare: Value): Dict {
  if (Array.isArray(value))
    return dict(
      value.map((item) => {
        const line = scalarText(anyText(item))
        const at = line.indexOf('=')
        return at < 0 ? ([line, bare] as const) : ([line.slice(0, at), line.slice(at + 1)] as const)
      }),
    )
  if (isDict(value)) return mapDict(value, (content) => (content === null ? bare : anyText(content)))
  throw new RangeError(`unexpected value type ${kindOf(value)} for mapping`)
}

/** A map of texts and whole numbers. */
export const textMap: Decode = (value) =>
  isDict(value) ? mapDict(value, (content) => (content === null ? '' : text(content))) : unconvertible('map', value)

/** `HOST:ADDRESS`, `HOST=ADDRESS` or a map of hosts, as a sorted list. */
export const hosts: Decode = (value) => {
  const read: readonly (readonly [string, string])[] = isDict(value)
    ? Object.entries(value).flatMap(([host, to]) =>
        (Array.isArray(to) ? to : [to]).map((one) => [host, one === null ? '' : scalarText(one)] as const),
      )
    : (Array.isArray(value) ? value : []).map((line) => hostAndAddress(scalarText(line)))
  const bad = read.find(([host]) => host === '' || /[:=]/.test(host))
  if (bad !== undefined) throw new RangeError(`bad host name '${bad[0]}'`)
  const none = isDict(value) ? Object.keys(value).length === 0 : read.length === 0
  return none ? null : read.map(([host, address]) => `${host}=${address.replace(/^\[(.+)\]$/, '$1')}`).sort()
}

function hostAndAddress(line: string): readonly [string, string] {
  const at = line.includes('=') ? line.indexOf('=') : line.indexOf(':')
  if (at < 0) throw new RangeError(`invalid additional host, missing IP: ${line}`)
  return [line.slice(0, at), line.slice(at + 1)]
}

export const fileMode: Decode = (value) => {
  if (typeof value === 'string') {
    if (!/^[-+]?[0-7]+$/.test(value)) throw new RangeError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
    return `0${Number.parseInt(value, 8).toString(8)}`
  }
  if (isWhole(value)) return `0${value.toString(8)}`
  throw new RangeError(`unexpected value type ${kindOf(value)} for mode`)
}

/** One number, or a soft and a hard one. */
export const limit: Decode = (value) => {
  if (isWhole(value)) return value === 0 ? bounds(0, 0) : value
  if (!isDict(value)) throw new RangeError(`unexpected value type ${kindOf(value)} for ulimit`)
  const { soft = 0, hard = 0 } = value
  if (!isWhole(soft) || !isWhole(hard)) throw new RangeError('a limit needs to be a whole number')
  return bounds(soft, hard)
}
const bounds = (soft: number | bigint, hard: number | bigint): Dict =>
  dict([
    ['soft', soft],
    ['hard', hard],
  ])
/** JSON does not show a bound that is zero. */
export const limitJson = (value: Value): Value => (isDict(value) ? mapDict(value, (bound) => (bound === 0 ? undefined : bound)) : value)

export const providerOptions: Decode = (value) =>
  isDict(value)
    ? mapDict(value, (content) => {
        const all = (Array.isArray(content) ? content : [content]).map(scalarText)
        return all.length === 0 ? undefined : all
      })
    : unconvertible('options', value)

/** `{id: path}` as `id: path`, or the id alone. */
export const keyList: Decode = (value) =>
  isDict(value) ? Object.entries(value).map(([key, to]) => (to === null || to === '' ? key : `${key}: ${scalarText(to)}`)) : value

/** Without the marks of how a number was written. */
export function plainValue(value: Value): Value {
  if (value instanceof WholeFloat) return value.value
  if (Array.isArray(value)) return value.map(plainValue)
  return isDict(value) ? mapDict(value, plainValue) : value
}
