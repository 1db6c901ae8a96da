import type { KubeObject } from '#api'
import type { Entry } from './entry.ts'

/**
 * Parsed forms of the objects that were asked for last. An entry keeps its parsed form as long as it is among them, so
 * that memory is bounded by a number of objects and not by what is stored.
 */
export class ParsedPool {
  readonly #slots: (Entry | undefined)[]
  #next = 0
  constructor(capacity = 4096) {
    this.#slots = new Array<Entry | undefined>(capacity).fill(undefined)
  }

  /** Shared and read only. */
  of(entry: Entry): KubeObject {
    if (entry.parsed !== undefined) return entry.parsed
    const parsed = parse(entry)
    this.keep(entry, parsed)
    return parsed
  }

  /** For an entry whose parsed form is known without parsing. */
  keep(entry: Entry, parsed: KubeObject): void {
    entry.parsed = parsed
    const evicted = this.#slots[this.#next]
    if (evicted !== undefined) evicted.parsed = undefined
    this.#slots[this.#next] = entry
    this.#next = (this.#next + 1) % this.#slots.length
  }

  /** Does not keep the parsed form: for walks over everything. */
  peek(entry: Entry): KubeObject {
    return entry.parsed ?? parse(entry)
  }
}

function parse(entry: Entry): KubeObject {
  return JSON.parse(entry.bytes.toString()) as KubeObject
}
