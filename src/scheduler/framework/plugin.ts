import { SampanError } from '#base'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeColumn } from '../cluster/node-column.ts'
import type { NodeState } from '../cluster/node-state.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { Candidates } from './candidates.ts'

/** Why a node will not do. */
export interface Refusal {
  readonly plugin: string
  /** In Kubernetes' words; one node can have several. */
  readonly reasons: readonly string[]
  /** Taking pods off the node cannot change it. */
  readonly final: boolean
  /** The rule could not be asked, as something about the pod is wrong: nothing is decided on it, whatever other nodes are like. */
  readonly isFailure?: true
}

/** No decision can be made. */
export class FilterFailed extends SampanError {
  readonly code = 'FILTER_FAILED'
}

export function refusal(plugin: string, reason: string, final: boolean): Refusal {
  return { plugin, reasons: [reason], final }
}

/**
 * A rule that nodes must meet. `prepare` does what is the same for all nodes, once for a decision, and answers undefined when the rule has
 * nothing to say of this pod. What it returns is valid until the cluster changes.
 */
export interface FilterPlugin {
  readonly name: string
  /** What it has prepared reads the cluster as it is at each check: it stays valid while pods come and go. */
  readonly live?: true
  /** It looks at the node alone, whatever pods are there. */
  readonly ofNode?: true
  /** Nodes are asked about in this order, where that is not the order in which the rules are prepared. */
  readonly place?: number
  prepare(cluster: Cluster, pod: PodInfo): PreparedFilter | undefined
}

export type PreparedFilter =
  | {
      readonly kind: 'check'
      readonly check: (node: NodeState) => Refusal | undefined
      /** The same as numbers, for loops over many nodes: 0 for those that the check finds nothing wrong with. */
      readonly column?: NodeColumn
      /** Or, where the slot says enough, whether the check finds nothing. */
      readonly fits?: (slot: number) => boolean
      /** When all that counts are sums over the node's pods. */
      readonly sums?: SumCheck
      /** Told before any other rule is asked: nodes that cannot do, whatever else there is about them. */
      readonly early?: (node: NodeState) => Refusal | undefined
    }
  /** No node will do, whatever it is like. `tail` follows the message. */
  | { readonly kind: 'refused'; readonly message: string; readonly tail?: string }

/** Kubernetes' words after a refusal that concerns no node in particular. */
const NOT_FOUND = 'not found'

/** What is wrong with the pod, wherever it would go. */
export const refusedEverywhere = (message: string): PreparedFilter => ({ kind: 'refused', message, tail: NOT_FOUND })

/** A check of what a node would hold if some pods were not there, or others were. */
export interface SumCheck {
  /** No difference to what is there. */
  nothing(): Float64Array
  /** A pod more, or less. */
  add(difference: Float64Array, pod: PodInfo, sign: 1 | -1): void
  refusal(node: NodeState, difference: Float64Array): Refusal | undefined
}

/** A preference among nodes that will do. Scores are brought to 0…100 by `normalise` (where they are not already) and multiplied by the weight. */
export interface ScorePlugin {
  readonly name: string
  readonly weight: number
  /** `candidates` are those that passed; undefined when there is nothing to prefer. */
  readonly prepare: (cluster: Cluster, pod: PodInfo, candidates: Candidates) => PreparedScore | undefined
}

export interface PreparedScore {
  readonly score: (node: NodeState) => number
  /** The same score, where the slot says enough. */
  readonly ofSlot?: (slot: number) => number
  /** The same scores. */
  readonly column?: NodeColumn
  /** Changes the scores in place; they are in the order of the candidates. */
  readonly normalise?: (scores: Float64Array) => void
}

export const HIGHEST_SCORE = 100

/** Brings scores from 0…highest found to 0…100. */
export function normaliseToHighest(scores: Float64Array, reversed: boolean): void {
  let highest = 0
  for (let i = 0; i < scores.length; i++) highest = Math.max(highest, scores[i] ?? 0)
  for (let i = 0; i < scores.length; i++) {
    const scaled = highest === 0 ? 0 : Math.floor(((scores[i] ?? 0) * HIGHEST_SCORE) / highest)
    scores[i] = reversed ? HIGHEST_SCORE - scaled : scaled
  }
}
