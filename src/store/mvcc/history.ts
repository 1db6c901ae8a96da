import type { Version } from './version.ts'

/** The writes since the last compaction, in order: what watches are replayed from and what compaction walks over. */
export class History {
  #versions: Version[] = []
  /** Versions before this place are forgotten; the array is shortened when they are half of it. */
  #start = 0

  push(version: Version): void {
    this.#versions.push(version)
  }

  /** Takes back the newest `count` versions. */
  pop(count: number): void {
    this.#versions.length -= count
  }

  /** The place of the first version at or after a revision. Places are valid until the next `forget`. */
  placeOf(revision: number): number {
    let low = this.#start
    let high = this.#versions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#versions[middle] as Version).revision < revision) low = middle + 1
      else high = middle
    }
    return low
  }

  get start(): number {
    return this.#start
  }

  at(place: number): Version | undefined {
    return this.#versions[place]
  }

  /** Forgets the versions before a place. */
  forget(place: number): void {
    this.#start = place
    if (this.#start * 2 < this.#versions.length) return
    this.#versions = this.#versions.slice(this.#start)
    this.#start = 0
  }
}
