import type { NodeColumn } from './node-column.ts'
import type { NodeState } from './node-state.ts'

const UNKNOWN = Number.NaN

/** A number that depends on a node's name, labels and taints alone, worked out once for each node and then read. */
export class NodeMemo {
  #values = new Float64Array(64).fill(UNKNOWN)
  readonly #compute: (node: NodeState) => number

  constructor(compute: (node: NodeState) => number) {
    this.#compute = compute
  }

  /** For `slots` nodes. Valid until the cluster changes. */
  column(slots: number): NodeColumn {
    this.#grow(slots)
    return { values: this.#values, compute: this.#compute }
  }

  of(node: NodeState): number {
    const { slot } = node
    const known = this.#values[slot] ?? UNKNOWN
    return Number.isNaN(known) ? this.#keep(node, slot) : known
  }

  /** The node is another one, or its labels or taints have changed. */
  forget(slot: number): void {
    if (slot < this.#values.length) this.#values[slot] = UNKNOWN
  }

  #keep(node: NodeState, slot: number): number {
    this.#grow(slot + 1)
    const value = this.#compute(node)
    this.#values[slot] = value
    return value
  }

  #grow(slots: number): void {
    if (slots <= this.#values.length) return
    const grown = new Float64Array(Math.max(slots, this.#values.length * 2)).fill(UNKNOWN)
    grown.set(this.#values)
    this.#values = grown
  }
}
