import type { OrderedKey } from './keys.ts'
import { type KeyRecord, type Leaf, type Version, isLive, versionAt } from './version.ts'

export interface Selection {
  readonly versions: readonly Version[]
  /** Live keys in the selection, whatever the limit. */
  readonly count: number
}

const LEAF_RECORDS = 512

/**
 * The keys in order: a sorted list of sorted runs. With n keys, finding one takes log n comparisons and adding one moves
 * at most 512 references plus, once in 256 additions, the list of runs.
 */
export class KeyIndex {
  #leaves: Leaf[] = []
  #live = 0

  /** Keys that exist. */
  get live(): number {
    return this.#live
  }

  find(key: OrderedKey): KeyRecord | undefined {
    const leaf = this.#leaves[this.#leafFor(key)]
    if (leaf === undefined) return undefined
    const record = leaf.records[lowerBound(leaf.records, key)]
    return record?.key === key ? record : undefined
  }

  /** The record of a key, made when there is none. A new record has no version yet: `setNewest` follows. */
  findOrAdd(key: OrderedKey): KeyRecord {
    const leafIndex = this.#leafFor(key)
    const leaf = this.#leaves[leafIndex]
    if (leaf === undefined) {
      const first: Leaf = { records: [], live: 0, newestRevision: 0 }
      const record: KeyRecord = { key, newest: undefined, leaf: first }
      first.records.push(record)
      this.#leaves.push(first)
      return record
    }
    const position = lowerBound(leaf.records, key)
    const present = leaf.records[position]
    if (present?.key === key) return present
    const record: KeyRecord = { key, newest: undefined, leaf }
    if (position === leaf.records.length) leaf.records.push(record)
    else leaf.records.splice(position, 0, record)
    if (leaf.records.length > LEAF_RECORDS) this.#split(leafIndex, leaf)
    return record
  }

  setNewest(record: KeyRecord, version: Version): void {
    const { leaf } = record
    const change = Number(!version.deleted) - Number(isLive(record.newest))
    leaf.live += change
    this.#live += change
    if (version.revision > leaf.newestRevision) leaf.newestRevision = version.revision
    record.newest = version
  }

  remove(record: KeyRecord): void {
    const leafIndex = this.#leafFor(record.key)
    const { leaf } = record
    leaf.records.splice(lowerBound(leaf.records, record.key), 1)
    if (isLive(record.newest)) {
      leaf.live--
      this.#live--
    }
    if (leaf.records.length === 0) this.#leaves.splice(leafIndex, 1)
  }

  /** The live versions at a revision with this prefix, after a key where one is given, in key order. */
  select(prefix: OrderedKey, after: OrderedKey | undefined, limit: number, revision: number): Selection {
    const versions: Version[] = []
    let count = 0
    let leafIndex = this.#leafFor(after ?? prefix)
    let position = after === undefined ? this.#positionIn(leafIndex, prefix) : this.#positionIn(leafIndex, `${after}\0`)
    for (; leafIndex < this.#leaves.length; leafIndex++, position = 0) {
      const leaf = this.#leaves[leafIndex] as Leaf
      const { records } = leaf
      const countOnly = position === 0 && versions.length >= limit && leaf.newestRevision <= revision
      if (countOnly && records[records.length - 1]?.key.startsWith(prefix) === true) {
        count += leaf.live
        continue
      }
      for (; position < records.length; position++) {
        const record = records[position] as KeyRecord
        if (!record.key.startsWith(prefix)) return { versions, count }
        const version = versionAt(record, revision)
        if (!isLive(version)) continue
        count++
        if (versions.length < limit) versions.push(version)
      }
    }
    return { versions, count }
  }

  /** The last leaf that begins at or before the key; the first where none does. */
  #leafFor(key: OrderedKey): number {
    let low = 0
    let high = this.#leaves.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#leaves[middle]?.records[0]?.key as OrderedKey) <= key) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  #positionIn(leafIndex: number, key: OrderedKey): number {
    const leaf = this.#leaves[leafIndex]
    return leaf === undefined ? 0 : lowerBound(leaf.records, key)
  }

  #split(leafIndex: number, leaf: Leaf): void {
    // Keys that arrive in order fill the last leaf and leave it full.
    const isLast = leafIndex === this.#leaves.length - 1
    const records = leaf.records.splice(isLast ? LEAF_RECORDS - 32 : leaf.records.length >>> 1)
    const added: Leaf = { records, live: 0, newestRevision: leaf.newestRevision }
    for (const record of records) {
      record.leaf = added
      if (isLive(record.newest)) added.live++
    }
    leaf.live -= added.live
    this.#leaves.splice(leafIndex + 1, 0, added)
  }
}

/** The position of the first record at or after the key. */
function lowerBound(records: readonly KeyRecord[], key: OrderedKey): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle] as KeyRecord).key < key) low = middle + 1
    else high = middle
  }
  return low
}
