/** Durations, sizes and command lines as Compose reads them. Each throws a `RangeError` whose message is Compose's. */

const UNITS_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
  w: 604_800e9,
}

/** Nanoseconds of `1m30s`, `1d`, `-5s`. */
export function durationNs(text: string): number {
  const quoted = JSON.stringify(text)
  const match = /^([-+]?)(.*)$/.exec(text)
  const [, sign = '', rest = ''] = match ?? []
  if (rest === '0') return 0
  if (rest === '') throw new RangeError(`time: invalid duration ${quoted}`)
  let total = 0
  let at = 0
  while (at < rest.length) {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest.slice(at))?.[0]
    if (number === undefined) throw new RangeError(`time: invalid duration ${quoted}`)
    at += number.length
    const unit = /^[^\d.]+/.exec(rest.slice(at))?.[0]
    if (unit === undefined) throw new RangeError(`time: missing unit in duration ${quoted}`)
    const size = Object.hasOwn(UNITS_NS, unit) ? UNITS_NS[unit] : undefined
    if (size === undefined) throw new RangeError(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`)
    at += unit.length
    total += Number(number) * size
    if (total >= 2 ** 63) throw new RangeError(`time: invalid duration ${quoted}`)
  }
  return Math.round(sign === '-' ? -total : total)
}

/** `1h0m0s`, `1m30s`, `1.5s`, `100ms`, `0s`. */
export function durationText(ns: number): string {
  if (ns === 0) return '0s'
  const size = Math.abs(ns)
  const sign = ns < 0 ? '-' : ''
  if (size < 1e3) return `${sign}${size}ns`
  if (size < 1e6) return `${sign}${size / 1e3}µs`
  if (size < 1e9) return `${sign}${size / 1e6}ms`
  const hours = Math.floor(size / 3600e9)
  const minutes = Math.floor((size % 3600e9) / 60e9)
  const seconds = `${(size % 60e9) / 1e9}s`
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}`
}

/** A number as Go reads it, with `_` between digits; `undefined` for what is none. */
export function floatOf(text: string): number | undefined {
  if (/^[-+]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  if (/^nan$/i.test(text)) return Number.NaN
  const digits = '\\d+(?:_\\d+)*'
  const number = new RegExp(`^[-+]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[-+]?${digits})?$`, 'i')
  return number.test(text) ? Number(text.replaceAll('_', '')) : undefined
}

const SIZES = ['b', 'k', 'm', 'g', 't', 'p']

/** Bytes of `64m`, `1.5gb`, `64MiB`, `1e3`; powers of 1024. */
export function sizeBytes(text: string): number {
  const [, amount = '', unit = ''] = /^(.*[\d.]) ?([^\d. ]*)$/s.exec(text) ?? []
  const number = floatOf(amount)
  if (number === undefined || number < 0) throw new RangeError(`invalid size: '${text}'`)
  const power = unit === '' ? 0 : /^(?:b|[kmgtp](?:i?b)?)$/i.test(unit) ? SIZES.indexOf(unit.charAt(0).toLowerCase()) : -1
  if (power < 0) throw new RangeError(`invalid suffix: '${unit}'`)
  return Math.trunc(number * 1024 ** power)
}

/** Splits a command line like a shell; what follows a pipe, a list or a redirection is not part of the command. */
export function shellWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  /** Quotes that are open; blanks and operators between backquotes and in `$(…)` belong to the word. */
  const open = { single: false, double: false, back: false, dollar: false, escape: false }
  const invalid = (): never => {
    throw new RangeError('invalid command line string')
  }
  const add = (text: string): void => {
    word = `${word ?? ''}${text}`
  }
  for (const char of line) {
    const plain = !open.single && !open.double && !open.back && !open.dollar
    if (open.escape) {
      add(char)
      open.escape = false
    } else if (char === '\\' && !open.single) open.escape = true
    else if (/[ \t\r\n]/.test(char)) {
      if (!plain) add(char)
      else if (word !== undefined) {
        words.push(word)
        word = undefined
      }
    } else if (char === '"' && !open.single && !open.dollar) {
      open.double = !open.double
      word ??= ''
    } else if (char === "'" && !open.double && !open.dollar) {
      open.single = !open.single
      word ??= ''
    } else if (/[;&|<>]/.test(char) && plain) {
      if (char === '>' && word !== undefined && /^\d/.test(word)) word = undefined
      break
    } else {
      if (char === '`' && !open.single && !open.double && !open.dollar) open.back = !open.back
      if (char === ')' && !open.single && !open.double && !open.back) open.dollar = !open.dollar
      if (char === '(' && !open.single && !open.double && !open.back) {
        if (open.dollar || word?.endsWith('$') !== true) invalid()
        open.dollar = true
      }
      add(char)
    }
  }
  if (Object.values(open).includes(true)) invalid()
  if (word !== undefined) words.push(word)
  return words
}
