/** Numbers by slot that grow with the cluster. Slots that were never set read as 0. */
export class Column {
  #values: Float64Array
  constructor(capacity: number) {
    this.#values = new Float64Array(capacity)
  }
  get(slot: number): number {
    return this.#values[slot] ?? 0
  }
  set(slot: number, value: number): void {
    if (slot >= this.#values.length) {
      const grown = new Float64Array(Math.max(slot + 1, this.#values.length * 2))
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[slot] = value
  }
  add(slot: number, amount: number): void {
    this.set(slot, this.get(slot) + amount)
  }
}

/** The values of one node label by slot, as small numbers: nodes with equal numbers are in one topology domain. */
export class Topology {
  readonly #ids = new Map<string, number>()
  readonly #names: string[] = []
  readonly #ofSlot: number[] = []
  /** -1 when the node has no such label. */
  domainOf(slot: number): number {
    return this.#ofSlot[slot] ?? -1
  }
  set(slot: number, value: string | undefined): void {
    while (this.#ofSlot.length < slot) this.#ofSlot.push(-1)
    this.#ofSlot[slot] = value === undefined ? -1 : this.idOf(value)
  }
  idOf(value: string): number {
    const known = this.#ids.get(value)
    if (known !== undefined) return known
    const id = this.#names.length
    this.#ids.set(value, id)
    this.#names.push(value)
    return id
  }
  /** Numbers given so far; some may belong to no node any more. */
  get domains(): number {
    return this.#names.length
  }
}
