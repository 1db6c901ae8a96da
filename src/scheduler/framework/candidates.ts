import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'

/** Nodes that are compared: as their slots, which is all that most preferences look at, and as themselves for the others. Good until the cluster changes. */
export interface Candidates {
  readonly slots: Int32Array
  readonly nodes: readonly NodeState[]
}

export function candidatesOf(nodes: readonly NodeState[]): Candidates {
  const slots = new Int32Array(nodes.length)
  for (let i = 0; i < slots.length; i++) slots[i] = nodes[i]?.slot ?? -1
  return { slots, nodes }
}

/** The nodes are fetched when somebody asks for them: walking 500 objects takes longer than a whole decision by numbers. */
export class CandidateSlots implements Candidates {
  readonly slots: Int32Array
  readonly #cluster: Cluster
  #nodes: readonly NodeState[] | undefined

  constructor(cluster: Cluster, slots: Int32Array) {
    this.#cluster = cluster
    this.slots = slots
  }

  get nodes(): readonly NodeState[] {
    this.#nodes ??= Array.from(this.slots, (slot) => this.#cluster.at(slot)).filter((node) => node !== undefined)
    return this.#nodes
  }
}
