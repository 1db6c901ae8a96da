import type { MemoryNode } from '../topology/machine-topology.ts'
import type { TopologyPolicy } from './topology-policy.ts'
import { type Hint, type Hints, type NodeMask, countOf, isNarrower, maskOf, nodesIn } from './hints.ts'

/** From where everything of a container (or pod) is to be given; undefined: from anywhere. */
export interface Affinity {
  readonly nodes: NodeMask | undefined
  /** What the policy says: the pod is refused when not. */
  readonly admit: boolean
}

/** Nodes that all resources can be had from, as the policy weighs them. A pure function of what those who give resources could do. */
export function mergeHints(policy: TopologyPolicy, nodes: readonly MemoryNode[], all: readonly Hints[]): Affinity {
  const every = maskOf(nodes.map(({ id }) => id))
  const lists = all.flatMap((hints) => (hints.size === 0 ? [[ANYWHERE]] : [...hints.values()].map(listOf)))
  const single = policy.name === 'single-numa-node'
  const wanted = single
    ? lists.map((list) => list.filter(({ nodes: mask, preferred }) => preferred && (mask === undefined || countOf(mask) === 1)))
    : lists
  const compare = comparison(nodes, !single && policy.preferClosest)
  const target = Math.max(0, ...wanted.map(narrowestCount))
  let best: { readonly nodes: NodeMask; readonly preferred: boolean } | undefined
  for (const choice of choices(wanted)) {
    const merged = mergedOf(every, choice)
    if (merged.nodes !== 0 && (best === undefined || isBetter(merged, best, target, compare))) best = merged
  }
  const found = best ?? { nodes: every, preferred: false }
  return {
    nodes: single && found.nodes === every ? undefined : found.nodes,
    admit: policy.name === 'best-effort' || policy.name === 'none' || found.preferred,
  }
}

const ANYWHERE: Hint = { nodes: undefined, preferred: true }
const NOWHERE: Hint = { nodes: undefined, preferred: false }
const listOf = (list: readonly Hint[] | undefined): readonly Hint[] =>
  list === undefined ? [ANYWHERE] : list.length === 0 ? [NOWHERE] : list

/** One hint of each list, in every way. */
function* choices(lists: readonly (readonly Hint[])[]): Generator<readonly Hint[]> {
  const [first, ...rest] = lists
  if (first === undefined) return yield []
  for (const hint of first) for (const others of choices(rest)) yield [hint, ...others]
}

function mergedOf(every: NodeMask, choice: readonly Hint[]): { nodes: NodeMask; preferred: boolean } {
  const masks = choice.flatMap(({ nodes }) => (nodes === undefined ? [] : [nodes]))
  return {
    nodes: masks.reduce((sum, mask) => sum & mask, every),
    preferred: choice.every(({ preferred }) => preferred) && masks.every((mask) => mask === masks[0]),
  }
}

/** Of how many nodes the narrowest of the hints is. */
function narrowestCount(list: readonly Hint[]): number {
  const counts = list.flatMap(({ nodes }) => (nodes === undefined ? [] : [countOf(nodes)]))
  return counts.length === 0 ? 0 : Math.min(...counts)
}

/**
 * Preferred ones are better than others. Among preferred ones those that compare as fitter; among the others those whose number of nodes is
 * nearest to (and not above) what the most demanding resource needs, since fewer would split it and more would scatter the rest.
 */
function isBetter(
  candidate: { readonly nodes: NodeMask; readonly preferred: boolean },
  best: { readonly nodes: NodeMask; readonly preferred: boolean },
  target: number,
  isFitter: (a: NodeMask, b: NodeMask) => boolean,
): boolean {
  if (candidate.preferred !== best.preferred) return candidate.preferred
  const [its, now] = [countOf(candidate.nodes), countOf(best.nodes)]
  if (candidate.preferred || now > target || its === now) return isFitter(candidate.nodes, best.nodes)
  if (now === target || its > target) return false
  return its > now
}

function comparison(nodes: readonly MemoryNode[], byDistance: boolean): (a: NodeMask, b: NodeMask) => boolean {
  if (!byDistance) return isNarrower
  const distances = new Map(nodes.map((node) => [node.id, node.distances]))
  const average = (mask: NodeMask): number => {
    const ids = nodesIn(mask)
    return ids.flatMap((from) => ids.map((to) => distances.get(from)?.get(to) ?? 10)).reduce((sum, one) => sum + one, 0) / ids.length ** 2
  }
  return (a, b) => {
    if (countOf(a) !== countOf(b) || a === b) return isNarrower(a, b)
    const [its, other] = [average(a), average(b)]
    return its === other ? a < b : its < other
  }
}
