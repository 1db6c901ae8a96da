import { compileRegex } from './regex.ts'
import type { Condition, TextMatch } from './rule.ts'

const SOURCES = ['header', 'cookie', 'query'] as const
const NAME = /^[A-Za-z0-9_-]{1,64}$/
const MOST_PARTS = 16
const LONGEST_TEXT = 512
const LONGEST_VALUE = 256

/**
 * Conditions as people write them in annotations and flags: `header("x-user", "beta")`, with `cookie` and `query` as the other places; a value in slashes is
 * a regular expression of RE2, one that ends in `*` inside the quotes is the beginning of the value, and without a value it is enough that there is one.
 * Several are joined by `&&` and `||`, of which the first binds closer, and grouped by parentheses; `!` negates.
 */
export function parseMatch(text: string): Condition | { readonly problem: string } {
  if (text.length > LONGEST_TEXT) return { problem: `a condition has at most ${LONGEST_TEXT} characters` }
  const parser = new Parser(text)
  try {
    return parser.all()
  } catch (error) {
    if (error instanceof Mistake) return { problem: error.message }
    throw error
  }
}

class Mistake extends Error {}

class Parser {
  readonly #text: string
  #at = 0
  #parts = 0

  constructor(text: string) {
    this.#text = text
  }

  all(): Condition {
    const found = this.#any(0)
    this.#space()
    if (this.#at < this.#text.length) this.#fail('the end')
    return found
  }

  #any(depth: number): Condition {
    const of = [this.#every(depth)]
    while (this.#take('||')) of.push(this.#every(depth))
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'any', of }
  }

  #every(depth: number): Condition {
    const of = [this.#one(depth)]
    while (this.#take('&&')) of.push(this.#one(depth))
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'all', of }
  }

  #one(depth: number): Condition {
    if (depth > MOST_PARTS) throw new Mistake('the parentheses are too deep')
    if (this.#take('!')) return { kind: 'not', of: this.#one(depth + 1) }
    if (this.#take('(')) {
      const inside = this.#any(depth + 1)
      if (!this.#take(')')) this.#fail('")"')
      return inside
    }
    const kind = SOURCES.find((source) => this.#take(source)) ?? this.#fail('header(…), cookie(…) or query(…)')
    if (++this.#parts > MOST_PARTS) throw new Mistake(`a condition has at most ${MOST_PARTS} parts`)
    if (!this.#take('(')) this.#fail('"("')
    const name = this.#quoted()
    if (!NAME.test(name)) throw new Mistake(`${JSON.stringify(name)} is no name of letters, digits, "-" and "_"`)
    const value = this.#take(',') ? this.#value() : ({ how: 'present' } as const)
    if (!this.#take(')')) this.#fail('")"')
    return { kind, name: kind === 'header' ? name.toLowerCase() : name, value }
  }

  #value(): TextMatch {
    this.#space()
    if (this.#text[this.#at] !== '/') {
      const text = this.#quoted()
      return text.endsWith('*') ? { how: 'prefix', text: text.slice(0, -1) } : { how: 'exact', text }
    }
    let end = this.#at + 1
    while (end < this.#text.length && this.#text[end] !== '/') end += this.#text[end] === '\\' ? 2 : 1
    if (end >= this.#text.length) throw new Mistake('a regular expression ends with a slash')
    const source = this.#text.slice(this.#at + 1, end).replaceAll('\\/', '/')
    this.#at = end + 1
    const automaton = compileRegex(source)
    if ('problem' in automaton) throw new Mistake(automaton.problem)
    return { how: 'regex', automaton }
  }

  #quoted(): string {
    this.#space()
    const quote = this.#text[this.#at]
    const end = quote === '"' || quote === "'" ? this.#text.indexOf(quote, this.#at + 1) : -1
    if (end === -1) this.#fail('a text in quotes')
    const text = this.#text.slice(this.#at + 1, end)
    if (text.length > LONGEST_VALUE || !/^[\x20-\x7e]*$/.test(text))
      throw new Mistake(`a value has at most ${LONGEST_VALUE} printable ASCII characters`)
    this.#at = end + 1
    return text
  }

  #take(word: string): boolean {
    this.#space()
    if (!this.#text.startsWith(word, this.#at)) return false
    this.#at += word.length
    return true
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #fail(wanted: string): never {
    throw new Mistake(`at character ${this.#at + 1} there should be ${wanted}`)
  }
}
