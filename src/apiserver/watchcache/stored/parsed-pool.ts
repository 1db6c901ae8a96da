import type { KubeObject, Resource } from '#api'
import type { Entry } from '../entry.ts'
import type { PartMemo } from '#base'
import { parseStored } from './stored-parts.ts'

/**
 * Parsed forms of the objects that were asked for last. An entry keeps its parsed form as long as it is among them, so that
 * memory is bounded by what was used lately and not by what is stored. The limit counts encoded bytes; parsed, they take
 * about four times as much. More is not better: parsed objects are what the garbage collector has to look at, and parsing one again
 * costs less than carrying many along (measured with 16 MiB: status patches took a third more).
 */
export class ParsedPool {
  readonly #memo: PartMemo
  readonly #limitBytes: number
  #entries: (Entry | undefined)[] = []
  #head = 0
  #bytes = 0

  constructor(memo: PartMemo, limitBytes = 2 << 20) {
    this.#memo = memo
    this.#limitBytes = limitBytes
  }

  /** Shared and read only. `resource` is the stored version. */
  of(entry: Entry, resource: Resource): KubeObject {
    if (entry.parsed !== undefined) return entry.parsed
    const parsed = parseStored(this.#memo, resource, entry.bytes)
    this.keep(entry, parsed)
    return parsed
  }

  /** For an entry whose parsed form is known without parsing. */
  keep(entry: Entry, parsed: KubeObject): void {
    entry.parsed = parsed
    this.#entries.push(entry)
    this.#bytes += entry.bytes.length
    while (this.#bytes > this.#limitBytes && this.#head < this.#entries.length - 1) this.#dropOldest()
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
  }

  /** Does not keep the parsed form: for walks over everything. */
  peek(entry: Entry): KubeObject {
    return entry.parsed ?? (JSON.parse(entry.bytes.toString()) as KubeObject)
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#head]
    this.#entries[this.#head++] = undefined
    if (oldest === undefined) return
    oldest.parsed = undefined
    this.#bytes -= oldest.bytes.length
  }
}
