/**
 * JSON in which a key may stand twice, read as Go reads it into a struct or a map: two objects under one key become one, of anything
 * else the last counts. Slower than `JSON.parse`, and only for text that `JSON.parse` has taken.
 */
export interface MergedJson {
  readonly value: unknown
  /** The text of numbers that JavaScript shows differently, by their holder and key. */
  readonly literals: ReadonlyMap<object, ReadonlyMap<string, string>>
}

export function parseMerging(text: string): MergedJson {
  const reader = new MergingReader(text)
  return { value: reader.read(undefined), literals: reader.literals }
}

const TOKEN = /[\s,:]*("(?:[^"\\]|\\.)*"|[[\]{}]|[^\s,:[\]{}"]+)/y
type Members = Record<string, unknown>

class MergingReader {
  readonly literals = new Map<object, Map<string, string>>()
  readonly #text: string
  readonly #token = new RegExp(TOKEN)

  constructor(text: string) {
    this.#text = text
  }

  /** `before` is what the key had already. */
  read(before: unknown): unknown {
    const token = this.#next()
    if (token === '{') return this.#members(isMembers(before) ? before : {})
    if (token === '[') return this.#items()
    return JSON.parse(token)
  }

  #members(into: Members): Members {
    for (let token = this.#next(); token !== '}'; token = this.#next()) {
      const key = JSON.parse(token) as string
      const value = this.#noted(into, key, Object.hasOwn(into, key) ? into[key] : undefined)
      Object.defineProperty(into, key, { value, writable: true, enumerable: true, configurable: true })
    }
    return into
  }

  #items(): unknown[] {
    const items: unknown[] = []
    while (this.#peek() !== ']') items.push(this.#noted(items, String(items.length), undefined))
    this.#next()
    return items
  }

  #noted(holder: object, key: string, before: unknown): unknown {
    const source = this.#peek()
    const value = this.read(before)
    const known = this.literals.get(holder)
    if (typeof value !== 'number' || String(value) === source) known?.delete(key)
    else if (known === undefined) this.literals.set(holder, new Map([[key, source]]))
    else known.set(key, source)
    return value
  }

  #peek(): string {
    const at = this.#token.lastIndex
    const token = this.#next()
    this.#token.lastIndex = at
    return token
  }

  #next(): string {
    return this.#token.exec(this.#text)?.[1] ?? ''
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
