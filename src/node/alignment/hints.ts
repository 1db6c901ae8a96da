import { combinations } from '../topology/combinations.ts'

/** Memory nodes as bits: node 0 is 1, node 3 is 8. */
export type NodeMask = number
/** Nodes have numbers below this. */
export const MOST_NODES = 31

/** Memory nodes that could give all that is asked of one resource. */
export interface Hint {
  /** Undefined: any. */
  readonly nodes: NodeMask | undefined
  /** It could not be had from fewer nodes. */
  readonly preferred: boolean
}

/** By resource. An empty list: it cannot be had at all. Undefined: it does not matter where it is from. */
export type Hints = ReadonlyMap<string, readonly Hint[] | undefined>
export const NO_HINTS: Hints = new Map()

export const maskOf = (nodes: Iterable<number>): NodeMask => [...nodes].reduce((mask, node) => mask | (1 << node), 0)
export const nodesIn = (mask: NodeMask): number[] => Array.from({ length: MOST_NODES }, (_, node) => node).filter((node) => has(mask, node))
export const has = (mask: NodeMask, node: number): boolean => (mask & (1 << node)) !== 0
export const countOf = (mask: NodeMask): number => nodesIn(mask).length

/** Every set of these nodes but the empty one, small ones first. */
export function* masksOf(nodes: readonly number[]): Generator<NodeMask> {
  for (let size = 1; size <= nodes.length; size++) for (const some of combinations(nodes, size)) yield maskOf(some)
}

/** Fewer nodes, and of as many those with the lower numbers. */
export const isNarrower = (mask: NodeMask, than: NodeMask): boolean =>
  countOf(mask) === countOf(than) ? mask < than : countOf(mask) < countOf(than)

/** Those that need the fewest nodes that any set could do it with are preferred. */
export const preferring = (masks: readonly NodeMask[], fewest: number): Hint[] =>
  masks.map((nodes) => ({ nodes, preferred: countOf(nodes) === fewest }))
