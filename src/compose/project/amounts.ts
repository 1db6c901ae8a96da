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

const SIZES = ['b', 'k', 'm', 'g', 't', 'p']

/** Bytes of `64m`, `1.5gb`, `64MiB`; powers of 1024. */
export function sizeBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text)
  if (match === null) throw new RangeError(`invalid size: '${text}'`)
  const power = match[2] === undefined ? 0 : SIZES.indexOf(match[2].toLowerCase())
  return Math.trunc(Number(match[1]) * 1024 ** power)
}

/** Splits a command line like a shell; what follows a pipe, a list or a redirection is not part of the command. */
export function shellWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ''
    const escaped = char === '\\' && quote !== "'"
    if (escaped) {
      const next = line[++at]
      if (next === undefined) throw new RangeError('invalid command line string')
      word = `${word ?? ''}${next}`
    } else if (quote !== '') {
      if (char === quote) quote = ''
      else word = `${word ?? ''}${char}`
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/[ \t\r\n]/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (/[;&|<>]/.test(char)) {
      if (char === '>' && word !== undefined && /^\d$/.test(word)) word = undefined
      break
    } else word = `${word ?? ''}${char}`
  }
  if (quote !== '') throw new RangeError('invalid command line string')
  if (word !== undefined) words.push(word)
  return words
}
