/** Numbers by slot that grow with the cluster. Slots that were never set read as 0. */
export class Column {
  #values: Float64Array
  constructor(capacity: number) {
    this.#values = new Float64Array(capacity)
  }
  /** For loops over many slots; valid until the column changes. It may be shorter than there are slots: what is missing is 0. */
  get values(): Float64Array {
    return this.#values
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
  /** How many nodes are in each domain. */
  readonly #sizes: number[] = []
  #unlabelled = 0
  #inUse = 0

  /** -1 when the node has no such label. */
  domainOf(slot: number): number {
    return this.#ofSlot[slot] ?? ABSENT
  }
  /** A node, new or changed. */
  set(slot: number, value: string | undefined): void {
    this.clear(slot)
    while (this.#ofSlot.length < slot) this.#ofSlot.push(NO_NODE)
    const domain = value === undefined ? ABSENT : this.idOf(value)
    this.#ofSlot[slot] = domain
    this.#count(domain, 1)
  }
  /** No node stands there any more. */
  clear(slot: number): void {
    const before = this.#ofSlot[slot]
    if (before === undefined || before === NO_NODE) return
    this.#ofSlot[slot] = NO_NODE
    this.#count(before, -1)
  }
  #count(domain: number, amount: 1 | -1): void {
    if (domain === ABSENT) {
      this.#unlabelled += amount
      return
    }
    const size = (this.#sizes[domain] ?? 0) + amount
    this.#sizes[domain] = size
    if (amount === 1 ? size === 1 : size === 0) this.#inUse += amount
  }
  idOf(value: string): number {
    const known = this.#ids.get(value)
    if (known !== undefined) return known
    const id = this.#names.length
    this.#ids.set(value, id)
    this.#names.push(value)
    this.#sizes.push(0)
    return id
  }
  /** Numbers given so far; some may belong to no node any more. */
  get domains(): number {
    return this.#names.length
  }
  /** How many domains have nodes. */
  get inUse(): number {
    return this.#inUse
  }
  isInUse(domain: number): boolean {
    return (this.#sizes[domain] ?? 0) > 0
  }
  /** Nodes without the label. */
  get unlabelled(): number {
    return this.#unlabelled
  }
}

const ABSENT = -1
const NO_NODE = -2
