import type { Entry } from '../entry.ts'

/** Half of this many entries stay in a block when it is split. */
const BLOCK_SIZE = 256

interface Block {
  readonly entries: Entry[]
  /** The index's epoch when this block was made: blocks of an older epoch may be part of a snapshot and are copied before they change. */
  readonly epoch: number
}

/**
 * Entries in key order. A snapshot costs one pointer per block and shares the blocks; what changes afterwards is copied
 * a block at a time.
 */
export class OrderedIndex {
  #blocks: Block[] = []
  #epoch = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds the entry, or puts it in the place of the one with the same key, which is handed back. */
  set(entry: Entry): Entry | undefined {
    if (this.#blocks.length === 0) this.#blocks.push({ entries: [], epoch: this.#epoch })
    const at = this.#blockFor(entry.key)
    const block = this.#writable(at)
    const { entries } = block
    const slot = lowerBound(entries, entry.key)
    const present = entries[slot]
    if (present !== undefined && present.key === entry.key) {
      entries[slot] = entry
      return present
    }
    entries.splice(slot, 0, entry)
    this.#size++
    if (entries.length > BLOCK_SIZE) this.#split(at, slot === entries.length - 1 && at === this.#blocks.length - 1)
    return undefined
  }

  delete(key: string): Entry | undefined {
    if (this.#blocks.length === 0) return undefined
    const at = this.#blockFor(key)
    const found = this.#blocks[at]
    const slot = found === undefined ? -1 : lowerBound(found.entries, key)
    const present = found?.entries[slot]
    if (present === undefined || present.key !== key) return undefined
    const { entries } = this.#writable(at)
    entries.splice(slot, 1)
    this.#size--
    if (entries.length === 0) this.#blocks.splice(at, 1)
    return present
  }

  snapshot(): Snapshot {
    this.#epoch++
    return new Snapshot(
      this.#blocks.map((block) => block.entries),
      this.#size,
    )
  }

  #blockFor(key: string): number {
    let low = 0
    let high = this.#blocks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      const first = this.#blocks[middle]?.entries[0]
      if (first !== undefined && first.key <= key) low = middle
      else high = middle - 1
    }
    return low
  }

  #writable(at: number): Block {
    const block = this.#blocks[at] ?? { entries: [], epoch: -1 }
    if (block.epoch === this.#epoch) return block
    const copy = { entries: block.entries.slice(), epoch: this.#epoch }
    this.#blocks[at] = copy
    return copy
  }

  /** Keys that come in order fill their blocks; others leave half of the room. */
  #split(at: number, appended: boolean): void {
    const block = this.#blocks[at]
    if (block === undefined) return
    const middle = appended ? block.entries.length - 1 : block.entries.length >> 1
    this.#blocks.splice(at + 1, 0, { entries: block.entries.splice(middle), epoch: this.#epoch })
  }
}

/** All entries of one moment, in key order. */
export class Snapshot {
  readonly #blocks: readonly (readonly Entry[])[]
  readonly size: number
  constructor(blocks: readonly (readonly Entry[])[], size: number) {
    this.#blocks = blocks
    this.size = size
  }

  /** Entries with keys from `from` (inclusive) up to `to` (exclusive, undefined for no end). */
  *range(from: string, to: string | undefined): Generator<Entry> {
    let at = this.#firstBlock(from)
    let slot = lowerBound(this.#blocks[at] ?? [], from)
    for (; at < this.#blocks.length; at++, slot = 0) {
      const block = this.#blocks[at] ?? []
      for (; slot < block.length; slot++) {
        const entry = block[slot] as Entry
        if (to !== undefined && entry.key >= to) return
        yield entry
      }
    }
  }

  /** The same entries as an array: faster than the generator for whole reads. */
  slice(from: string, to: string | undefined): Entry[] {
    const out: Entry[] = []
    let at = this.#firstBlock(from)
    let slot = lowerBound(this.#blocks[at] ?? [], from)
    for (; at < this.#blocks.length; at++, slot = 0) {
      const block = this.#blocks[at] ?? []
      for (; slot < block.length; slot++) {
        const entry = block[slot] as Entry
        if (to !== undefined && entry.key >= to) return out
        out.push(entry)
      }
    }
    return out
  }

  #firstBlock(from: string): number {
    let low = 0
    let high = this.#blocks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      const first = this.#blocks[middle]?.[0]
      if (first !== undefined && first.key <= from) low = middle
      else high = middle - 1
    }
    return Math.max(low, 0)
  }
}

/** The first slot whose key is not below `key`. */
function lowerBound(entries: readonly Entry[], key: string): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    const entry = entries[middle]
    if (entry !== undefined && entry.key < key) low = middle + 1
    else high = middle
  }
  return low
}
