export interface Claim<T> {
  readonly owner: string
  /** The lowest one comes first. */
  readonly rank: string
  readonly value: T
}

const NONE: readonly never[] = []

/** Who wants which key. Keys are found by owner and owners by key, so that a change costs what it touches, however many there are. */
export class Claims<T> {
  readonly #byKey = new Map<string, readonly Claim<T>[]>()
  readonly #keysOf = new Map<string, readonly string[]>()

  /** By key, in the order in which the keys were claimed first. */
  keys(): Iterable<string> {
    return this.#byKey.keys()
  }

  get size(): number {
    return this.#byKey.size
  }

  /** By rank; of one owner in the order of its claims. */
  of(key: string): readonly Claim<T>[] {
    return this.#byKey.get(key) ?? NONE
  }

  /** Takes the place of everything that the owner claimed before. Returns the keys that it claims or did. */
  replace(owner: string, rank: string, wants: readonly (readonly [key: string, value: T])[]): ReadonlySet<string> {
    const touched = new Set(this.#keysOf.get(owner))
    for (const key of touched) this.#without(key, owner)
    for (const [key, value] of wants) {
      touched.add(key)
      this.#insert(key, { owner, rank, value })
    }
    if (wants.length === 0) this.#keysOf.delete(owner)
    else this.#keysOf.set(owner, [...new Set(wants.map(([key]) => key))])
    return touched
  }

  #insert(key: string, claim: Claim<T>): void {
    const known = this.#byKey.get(key) ?? NONE
    const at = known.findIndex(({ rank }) => rank > claim.rank)
    this.#byKey.set(key, at === -1 ? [...known, claim] : known.toSpliced(at, 0, claim))
  }

  #without(key: string, owner: string): void {
    const left = this.of(key).filter((claim) => claim.owner !== owner)
    if (left.length === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, left)
  }
}
