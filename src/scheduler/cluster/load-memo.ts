import type { NodeColumn } from './node-column.ts'

/** Changes that memos can catch up with one by one; who has missed more begins anew. A power of two. */
const RECENT = 1024
const UNKNOWN = Number.NaN

/** When what a node offers and holds in sum has changed: how often, by slot, and the order of the last changes. */
export class LoadChanges {
  #versions = new Uint32Array(64).fill(1)
  readonly #recent = new Int32Array(RECENT)
  #count = 0

  /** Starts at 1, so that 0 can stand for never seen. */
  versionOf(slot: number): number {
    return this.#versions[slot] ?? 1
  }

  /** As many as there may be slots so far. */
  get slots(): number {
    return this.#versions.length
  }

  /** Changes so far. */
  get count(): number {
    return this.#count
  }

  changed(slot: number): void {
    if (slot >= this.#versions.length) {
      const grown = new Uint32Array(Math.max(slot + 1, this.#versions.length * 2)).fill(1)
      grown.set(this.#versions)
      this.#versions = grown
    }
    this.#versions[slot] = this.versionOf(slot) + 1
    this.#recent[this.#count++ & (RECENT - 1)] = slot
  }

  /** Makes unknown what has changed since there were `count` changes. */
  forget(values: Float64Array, count: number): void {
    if (this.#count - count > RECENT) values.fill(UNKNOWN)
    else for (let at = count; at < this.#count; at++) values[this.#recent[at & (RECENT - 1)] ?? 0] = UNKNOWN
  }
}

/**
 * A number for each node that depends only on what it offers and holds in sum: worked out again after that has changed. Pods that ask for the same share
 * one, so that of the pods of one template each costs a look at every node, and work on those that changed in between.
 */
export class LoadMemo {
  readonly #changes: LoadChanges
  #values = new Float64Array(64).fill(UNKNOWN)
  #seen = 0

  constructor(changes: LoadChanges) {
    this.#changes = changes
  }

  /** `compute` has to be the same for all who share the memo. Valid until the cluster changes. */
  column(compute: (slot: number) => number): NodeColumn {
    return { values: this.#known(), compute: ({ slot }) => compute(slot) }
  }

  of(slot: number, compute: (slot: number) => number): number {
    const values = this.#known()
    const known = values[slot] ?? UNKNOWN
    return Number.isNaN(known) ? (values[slot] = compute(slot)) : known
  }

  #known(): Float64Array {
    const { count, slots } = this.#changes
    if (count === this.#seen) return this.#values
    if (slots > this.#values.length) {
      const grown = new Float64Array(slots).fill(UNKNOWN)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#changes.forget(this.#values, this.#seen)
    this.#seen = count
    return this.#values
  }
}
