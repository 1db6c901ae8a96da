import { type Lookup, substitute } from '../interpolation/template.ts'
import { ComposeRefused } from '../refusal.ts'

const BLANKS = '[\\t\\v\\f\\r \\u0085\\u00a0]*'
const EXPORT = /^export[\t\n\f\r ]+/
/** Up to what ends a name; blanks in it are looked at afterwards. */
const NAME = /^[\p{L}\p{N}_.\-[\]\t\v\f\r \u0085\u00a0]*/u
const LEADING_BLANKS = new RegExp(`^${BLANKS}`)

/**
 * Adds to `found` what an environment file says: `KEY=value`, `KEY: value`, `export KEY=value`, quotes, comments. Values outside single
 * quotes are substituted, from `lookup` and then from what was found before. A bare key takes its value from `lookup` or is absent; at the
 * very end of a file it is the value of a key without a name, as Compose has it.
 */
export function readEnvironmentFile(text: string, file: string, lookup: Lookup, found = new Map<string, string>()): Map<string, string> {
  new EnvironmentReader(text.replace(/^\uFEFF/, ''), file, (name) => lookup(name) ?? found.get(name)).read(found, lookup)
  return found
}

class EnvironmentReader {
  readonly #source: string
  readonly #file: string
  readonly #look: Lookup
  #at = 0

  constructor(source: string, file: string, look: Lookup) {
    this.#source = source
    this.#file = file
    this.#look = look
  }

  read(found: Map<string, string>, lookup: Lookup): void {
    while (this.#skipToStatement()) {
      const { key, bare } = this.#key()
      if (key.includes(' ')) this.#refuse('key cannot contain a space')
      const value = bare ? lookup(key) : this.#value()
      if (value !== undefined) found.set(key, value)
    }
  }

  /** False at the end of the file. */
  #skipToStatement(): boolean {
    for (;;) {
      const start = this.#source.slice(this.#at).search(/\S/)
      if (start < 0) return false
      this.#at += start
      if (this.#source[this.#at] !== '#') return true
      this.#at = this.#endOfLine()
    }
  }

  #key(): { readonly key: string; readonly bare: boolean } {
    if (EXPORT.test(this.#rest())) {
      this.#at += 'export'.length
      this.#skipBlanks()
    }
    const name = NAME.exec(this.#rest())?.[0] ?? ''
    const end = this.#source[this.#at + name.length]
    if (end === undefined) return { key: '', bare: false }
    if (end !== '=' && end !== ':' && end !== '\n') {
      const line = this.#source.slice(this.#at, this.#endOfLine())
      this.#refuse(`unexpected character ${JSON.stringify(end)} in variable name ${JSON.stringify(line)}`)
    }
    this.#at += name.length + 1
    this.#skipBlanks()
    return { key: name.trimEnd(), bare: end === '\n' }
  }

  #value(): string {
    const quote = this.#source[this.#at]
    if (quote === '"' || quote === "'") return this.#quoted(quote)
    const end = this.#endOfLine()
    const [raw = ''] = this.#source.slice(this.#at, end).split(' #', 1)
    const value = this.#expand(raw.trimEnd())
    this.#at = end
    return value
  }

  #quoted(quote: string): string {
    let inside = ''
    for (let at = this.#at + 1; at < this.#source.length; at++) {
      const char = this.#source.charAt(at)
      if (char === quote) {
        const value = quote === '"' ? this.#expand(unescape(inside)) : inside
        this.#at = at + 1
        return value
      }
      if (char !== '\\' || at + 1 >= this.#source.length) inside += char
      else {
        const next = this.#source.charAt(++at)
        inside += next === quote ? next : `\\${next}`
      }
    }
    return this.#refuse(`unterminated quoted value ${this.#source.slice(this.#at, this.#endOfLine())}`)
  }

  #expand(value: string): string {
    const result = substitute(value, this.#look)
    if (result.kind === 'text') return result.text
    return this.#refuse(
      result.kind === 'malformed'
        ? `invalid template: ${JSON.stringify(value)}`
        : `required variable ${result.name} is missing a value: ${result.message}`,
    )
  }

  #rest(): string {
    return this.#source.slice(this.#at)
  }

  #skipBlanks(): void {
    this.#at += LEADING_BLANKS.exec(this.#rest())?.[0].length ?? 0
  }

  #endOfLine(): number {
    const end = this.#source.indexOf('\n', this.#at)
    return end < 0 ? this.#source.length : end
  }

  #refuse(reason: string): never {
    throw new ComposeRefused(reason, { file: this.#file, line: this.#source.slice(0, this.#at).split('\n').length })
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v', c: '\\c', $: '$$' }

/** `\0` stands before three digits of base eight. */
function unescape(text: string): string {
  return text.replaceAll(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (_, char: string | undefined, digits = '') => {
    if (char !== undefined) return ESCAPES[char] ?? char
    return /^[0-3][0-7]{2}$/.test(String(digits)) ? String.fromCharCode(Number.parseInt(String(digits), 8)) : `\\${String(digits)}`
  })
}
