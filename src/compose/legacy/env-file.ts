import type { Lookup } from '../interpolation/template.ts'

const CONTROLS: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
])
const isBreak = (letter: string | undefined): boolean => letter === '\n' || letter === '\r'
const isBlank = (letter: string | undefined): boolean => letter !== undefined && /\s/.test(letter)
const isSpace = (letter: string | undefined): boolean => isBlank(letter) && !isBreak(letter)

/** A key and what stands behind its `=`, which may be missing. */
type Statement = readonly [key: string, value: string | undefined]

/**
 * An environment file as Compose 1 reads it: quoted values may have several lines, ` #` begins a comment behind a plain value, `${NAME}` and
 * `${NAME:-otherwise}` stand for what was said before in the file or in the shell, also between quotes, and `$NAME` for itself. A key without `=` has the
 * value `undefined`. Lines that are no statement are told to `warn` by their number and passed over.
 */
export function readEnvironmentFileOne(text: string, shell: Lookup, warn: (line: number) => void): ReadonlyMap<string, string | undefined> {
  const found = new Map<string, string | undefined>()
  const scanner = new Scanner(text.replace(/^\uFEFF/, ''))
  for (let line = scanner.skipToText(); line !== undefined; line = scanner.skipToText()) {
    const statement = scanner.statement()
    if (statement === undefined) {
      warn(line)
      scanner.skipLine()
    } else if (statement !== 'comment') {
      const [key, value] = statement
      found.set(key, value === undefined ? undefined : withVariables(value, (name) => found.get(name) ?? shell(name)))
    }
  }
  return found
}

const withVariables = (value: string, lookup: Lookup): string =>
  value.replaceAll(/\$\{([^}]*)\}/g, (whole, inside: string) => {
    const colon = inside.indexOf(':')
    if (colon < 0) return lookup(inside) ?? ''
    return inside[colon + 1] === '-' ? (lookup(inside.slice(0, colon)) ?? inside.slice(colon + 2)) : whole
  })

class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** To the next letter that is no blank; the number of its line, `undefined` at the end. */
  skipToText(): number | undefined {
    this.#takeWhile(isBlank)
    return this.#at < this.#text.length ? this.#text.slice(0, this.#at).split(/\r\n|\r|\n/).length : undefined
  }

  skipLine(): void {
    this.#takeWhile((letter) => !isBreak(letter))
  }

  /** What begins here, up to the end of its line; `undefined` when it is nothing. */
  statement(): Statement | 'comment' | undefined {
    if (this.#text.startsWith('export', this.#at) && isSpace(this.#text[this.#at + 'export'.length])) {
      this.#at += 'export'.length
      this.#takeWhile(isSpace)
    }
    if (this.#next === '#') {
      this.skipLine()
      return 'comment'
    }
    const key =
      this.#next === "'" ? this.#until("'", false) : this.#takeWhile((letter) => letter !== '=' && letter !== '#' && !isBlank(letter))
    if (key === undefined || key === '') return undefined
    this.#takeWhile(isSpace)
    let value: string | undefined
    if (this.#next === '=') {
      this.#at++
      this.#takeWhile(isSpace)
      value = this.#value()
      if (value === undefined) return undefined
    }
    this.#takeWhile(isSpace)
    if (this.#next === '#') this.skipLine()
    return this.#next === undefined || isBreak(this.#next) ? [key, value] : undefined
  }

  get #next(): string | undefined {
    return this.#text[this.#at]
  }

  #takeWhile(holds: (letter: string) => boolean): string {
    const start = this.#at
    while (this.#at < this.#text.length && holds(this.#text[this.#at] ?? '')) this.#at++
    return this.#text.slice(start, this.#at)
  }

  /** `undefined`: quotes that are never closed. */
  #value(): string | undefined {
    const quote = this.#next
    if (quote !== "'" && quote !== '"') {
      const rest = this.#takeWhile((letter) => !isBreak(letter))
      const comment = [...rest].findIndex((letter, at, all) => letter === '#' && isBlank(all[at - 1]))
      return (comment < 0 ? rest : [...rest].slice(0, comment).join('')).trimEnd()
    }
    const inside = this.#until(quote, true)
    return inside?.replaceAll(/\\(.)/gs, (whole, letter: string) => {
      if (letter === "'" || letter === '\\') return letter
      if (quote === "'") return whole
      return letter === '"' ? letter : (CONTROLS.get(letter) ?? whole)
    })
  }

  /** What is between here and the next such quote, over lines; `hasEscapes`: one behind a backslash is none. */
  #until(quote: string, hasEscapes: boolean): string | undefined {
    for (let end = this.#at + 1; end < this.#text.length; end++) {
      if (hasEscapes && this.#text[end] === '\\' && this.#text[end + 1] === quote) end++
      else if (this.#text[end] === quote) {
        const inside = this.#text.slice(this.#at + 1, end)
        this.#at = end + 1
        return inside
      }
    }
    return undefined
  }
}
