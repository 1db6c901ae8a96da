import type { Cluster } from '../cluster/cluster.ts'
import type { Topology } from '../cluster/columns.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { type FilterPlugin, refusal } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { SpreadConstraint } from '../pod/terms.ts'
import { tolerates } from '../pod/tolerations.ts'

/** Constraints with DoNotSchedule: no domain may have more than `maxSkew` pods above the emptiest one. */
export const topologySpread: FilterPlugin = {
  name: 'PodTopologySpread',
  prepare: (cluster, pod) => {
    if (pod.spread.length === 0) return undefined
    const skewed = refusal('PodTopologySpread', "node(s) didn't match pod topology spread constraints", false)
    const unlabelled = refusal('PodTopologySpread', "node(s) didn't match pod topology spread constraints (missing required label)", true)
    const constraints = pod.spread.map((constraint) => {
      const topology = cluster.topology(constraint.topologyKey)
      const counts = countDomains(cluster, pod, constraint, topology)
      const fewest = counts.size < constraint.minDomains ? 0 : Math.min(...counts.values())
      const self = constraint.pods.matches(pod, cluster.namespaceLabels) ? 1 : 0
      return { topology, counts, most: constraint.maxSkew + fewest - self }
    })
    return {
      kind: 'check',
      check: ({ slot }) => {
        for (const { topology, counts, most } of constraints) {
          const domain = topology.domainOf(slot)
          if (domain < 0) return unlabelled
          if ((counts.get(domain) ?? 0) > most) return skewed
        }
        return undefined
      },
    }
  },
}

/** Matching pods in each domain of the nodes that count: those with all topology labels, and that the policies let in. */
function countDomains(cluster: Cluster, pod: PodInfo, constraint: SpreadConstraint, topology: Topology): Map<number, number> {
  const all = pod.spread.map(({ topologyKey }) => cluster.topology(topologyKey))
  const counter = cluster.counter(constraint.pods)
  const counts = new Map<number, number>()
  for (const node of cluster.nodes()) {
    if (all.some((other) => other.domainOf(node.slot) < 0) || !countsFor(constraint, pod, node)) continue
    const domain = topology.domainOf(node.slot)
    counts.set(domain, (counts.get(domain) ?? 0) + counter.onNode(node.slot))
  }
  return counts
}

/** Whether the constraint's policies let a node's pods and domain count. */
export function countsFor(constraint: SpreadConstraint, pod: PodInfo, node: NodeState): boolean {
  if (constraint.honorAffinity && pod.nodes !== undefined && !pod.nodes.matches(node.name, node.labels)) return false
  return !constraint.honorTaints || node.hardTaints.every((taint) => tolerates(pod.tolerations, taint))
}
