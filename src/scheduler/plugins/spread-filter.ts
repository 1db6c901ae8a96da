import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { type FilterPlugin, type Refusal, refusal } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { SpreadConstraint } from '../pod/terms.ts'
import { tolerates } from '../pod/tolerations.ts'
import { matchingNodes } from './node-fitness.ts'
import type { SpreadSource } from './spread-source.ts'

/** Constraints with DoNotSchedule: no domain may have more than `maxSkew` pods above the emptiest one. */
export const topologySpread = (source: SpreadSource): FilterPlugin => ({
  name: 'PodTopologySpread',
  prepare: (cluster, pod) => {
    const all = source.hard(pod)
    if (all.length === 0) return undefined
    const skewed = refusal('PodTopologySpread', "node(s) didn't match pod topology spread constraints", false)
    const unlabelled = refusal('PodTopologySpread', "node(s) didn't match pod topology spread constraints (missing required label)", true)
    const constraints = all.map((constraint) => {
      const topology = cluster.topology(constraint.topologyKey)
      const counts = countDomains(cluster, pod, constraint, all)
      const self = constraint.countsItself ? 1 : 0
      return { topology, counts: counts.of, most: constraint.maxSkew + (counts.domains < constraint.minDomains ? 0 : counts.fewest) - self }
    })
    const check = (slot: number): Refusal | undefined => {
      for (let i = 0; i < constraints.length; i++) {
        const constraint = constraints[i]
        if (constraint === undefined) continue
        const domain = constraint.topology.domainOf(slot)
        if (domain < 0) return unlabelled
        if (constraint.counts(domain) > constraint.most) return skewed
      }
      return undefined
    }
    return { kind: 'check', check: ({ slot }) => check(slot), fits: (slot) => check(slot) === undefined }
  },
})

/** Matching pods by domain, of the domains that count. */
export interface DomainCounts {
  readonly domains: number
  /** Of the domain with the fewest; 0 without domains. */
  readonly fewest: number
  /** 0 for domains that do not count. */
  of(domain: number): number
}

/**
 * Counts in each domain of the nodes that count: those with all topology labels (`all`), and that the constraint's policies let in. Where that is
 * every node, the counts are there already; else the nodes are walked.
 */
function countDomains(cluster: Cluster, pod: PodInfo, constraint: SpreadConstraint, all: readonly SpreadConstraint[]): DomainCounts {
  const counter = cluster.counter(constraint.pods)
  const topology = cluster.topology(constraint.topologyKey)
  if (everyNodeCounts(cluster, pod, constraint) && all.every(({ topologyKey }) => cluster.topology(topologyKey).unlabelled === 0)) {
    const { values } = counter.byDomain(constraint.topologyKey)
    let fewest = Infinity
    for (let domain = 0; domain < topology.domains; domain++) if (topology.isInUse(domain)) fewest = Math.min(fewest, values[domain] ?? 0)
    return { domains: topology.inUse, fewest: topology.inUse === 0 ? 0 : fewest, of: (domain) => values[domain] ?? 0 }
  }
  const topologies = all.map(({ topologyKey }) => cluster.topology(topologyKey))
  const counts = new Map<number, number>()
  for (const node of cluster.nodes()) {
    if (topologies.some((other) => other.domainOf(node.slot) < 0) || !countsFor(cluster, constraint, pod, node)) continue
    const domain = topology.domainOf(node.slot)
    counts.set(domain, (counts.get(domain) ?? 0) + counter.onNode(node.slot))
  }
  return { domains: counts.size, fewest: counts.size === 0 ? 0 : Math.min(...counts.values()), of: (domain) => counts.get(domain) ?? 0 }
}

/** Whether the constraint's policies leave no node out. */
export function everyNodeCounts(cluster: Cluster, pod: PodInfo, constraint: SpreadConstraint): boolean {
  const byAffinity = constraint.honorAffinity && pod.nodes !== undefined
  return !byAffinity && !(constraint.honorTaints && cluster.restrictions.hardTaints > 0)
}

/** Whether the constraint's policies let a node's pods and domain count. */
export function countsFor(cluster: Cluster, constraint: SpreadConstraint, pod: PodInfo, node: NodeState): boolean {
  if (constraint.honorAffinity && pod.nodes !== undefined && matchingNodes(cluster, pod.nodes).of(node) === 0) return false
  return !constraint.honorTaints || node.hardTaints.every((taint) => tolerates(pod.tolerations, taint))
}
