import type { NodeState } from './node-state.ts'

const UNKNOWN = Number.NaN

/** A number that depends on a node's name and labels alone, worked out once for each node and then read. */
export class NodeMemo {
  #values = new Float64Array(64).fill(UNKNOWN)
  readonly #compute: (node: NodeState) => number

  constructor(compute: (node: NodeState) => number) {
    this.#compute = compute
  }

  of(node: NodeState): number {
    const { slot } = node
    const known = this.#values[slot] ?? UNKNOWN
    return Number.isNaN(known) ? this.#keep(node, slot) : known
  }

  /** The node is another one, or its labels have changed. */
  forget(slot: number): void {
    if (slot < this.#values.length) this.#values[slot] = UNKNOWN
  }

  #keep(node: NodeState, slot: number): number {
    if (slot >= this.#values.length) {
      const grown = new Float64Array(Math.max(slot + 1, this.#values.length * 2)).fill(UNKNOWN)
      grown.set(this.#values)
      this.#values = grown
    }
    const value = this.#compute(node)
    this.#values[slot] = value
    return value
  }
}
