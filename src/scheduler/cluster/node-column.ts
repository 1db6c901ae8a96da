import type { NodeState } from './node-state.ts'

/** A number for each node by slot, for loops over many: NaN where it has still to be worked out. Good until the cluster changes. */
export interface NodeColumn {
  readonly values: Float64Array
  readonly compute: (node: NodeState) => number
}
