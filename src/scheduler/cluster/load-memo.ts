/** How often what a node offers and holds in sum has changed, by slot. Starts at 1, so that 0 can stand for never seen. */
export class LoadVersions {
  #versions = new Uint32Array(64).fill(1)

  of(slot: number): number {
    return this.#versions[slot] ?? 1
  }

  changed(slot: number): void {
    if (slot >= this.#versions.length) {
      const grown = new Uint32Array(Math.max(slot + 1, this.#versions.length * 2)).fill(1)
      grown.set(this.#versions)
      this.#versions = grown
    }
    this.#versions[slot] = this.of(slot) + 1
  }
}

/**
 * A number for each node that depends only on what it offers and holds in sum: worked out again after that has changed. Pods that ask for the same share
 * one, so that of the pods of one template each costs a look at every node, and work on those that changed in between.
 */
export class LoadMemo {
  readonly #versions: LoadVersions
  #values = new Float64Array(64)
  #seen = new Uint32Array(64)

  constructor(versions: LoadVersions) {
    this.#versions = versions
  }

  of(slot: number, compute: (slot: number) => number): number {
    const version = this.#versions.of(slot)
    return this.#seen[slot] === version ? (this.#values[slot] ?? 0) : this.#keep(slot, version, compute(slot))
  }

  #keep(slot: number, version: number, value: number): number {
    if (slot >= this.#values.length) {
      const length = Math.max(slot + 1, this.#values.length * 2)
      const [values, seen] = [new Float64Array(length), new Uint32Array(length)]
      values.set(this.#values)
      seen.set(this.#seen)
      this.#values = values
      this.#seen = seen
    }
    this.#values[slot] = value
    this.#seen[slot] = version
    return value
  }
}
