import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { HIGHEST_SCORE, type PreparedScore, type ScorePlugin } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { SpreadConstraint } from '../pod/terms.ts'
import { countsFor, everyNodeCounts } from './spread-filter.ts'
import type { SpreadSource } from './spread-source.ts'

const HOST = 'kubernetes.io/hostname'

/** Constraints with ScheduleAnyway, or for pods without any the cluster's own, by the pod's siblings. */
export function spreadPreference(source: SpreadSource, weight: number): ScorePlugin {
  return {
    name: 'PodTopologySpread',
    weight,
    prepare: (cluster, pod, nodes) => {
      const constraints = source.soft(pod)
      return constraints.length === 0 ? undefined : prepareSpread(cluster, pod, nodes, constraints, source.isOwn(pod))
    },
  }
}

interface Prepared {
  readonly constraint: SpreadConstraint
  readonly weight: number
  readonly countOn: (node: NodeState) => number | undefined
}

/** `strict`: nodes without one of the labels are left out of the comparison. */
function prepareSpread(
  cluster: Cluster,
  pod: PodInfo,
  nodes: readonly NodeState[],
  constraints: readonly SpreadConstraint[],
  strict: boolean,
): PreparedScore {
  const topologies = constraints.map(({ topologyKey }) => cluster.topology(topologyKey))
  const hasAll = (node: NodeState): boolean => topologies.every((topology) => topology.domainOf(node.slot) >= 0)
  const ignored = new Set(strict ? nodes.filter((node) => !hasAll(node)).map((node) => node.slot) : [])
  const compared = ignored.size === 0 ? nodes : nodes.filter((node) => !ignored.has(node.slot))
  const prepared = constraints.map((constraint): Prepared => {
    const counter = cluster.counter(constraint.pods)
    const topology = cluster.topology(constraint.topologyKey)
    if (constraint.topologyKey === HOST)
      return {
        constraint,
        weight: Math.log(compared.length + 2),
        countOn: (node) => (topology.domainOf(node.slot) < 0 ? undefined : counter.onNode(node.slot)),
      }
    // Where no node is left out, the counts are there already.
    if (everyNodeCounts(cluster, pod, constraint) && topologies.every(({ unlabelled }) => unlabelled === 0)) {
      const { values } = counter.byDomain(constraint.topologyKey)
      const domains = new Set<number>()
      for (const node of compared) domains.add(topology.domainOf(node.slot))
      return { constraint, weight: Math.log(domains.size + 2), countOn: (node) => values[topology.domainOf(node.slot)] }
    }
    const counts = new Map<number, number>()
    for (const node of compared) if (topology.domainOf(node.slot) >= 0) counts.set(topology.domainOf(node.slot), 0)
    for (const node of cluster.nodes()) {
      if ((strict && !hasAll(node)) || !countsFor(cluster, constraint, pod, node)) continue
      const domain = topology.domainOf(node.slot)
      const before = counts.get(domain)
      if (before !== undefined) counts.set(domain, before + counter.onNode(node.slot))
    }
    return { constraint, weight: Math.log(counts.size + 2), countOn: (node) => counts.get(topology.domainOf(node.slot)) }
  })
  return {
    score: (node) => {
      if (ignored.size > 0 && ignored.has(node.slot)) return 0
      let score = 0
      for (let i = 0; i < prepared.length; i++) {
        const part = prepared[i]
        const count = part?.countOn(node)
        if (part !== undefined && count !== undefined) score += count * part.weight + (part.constraint.maxSkew - 1)
      }
      return Math.round(score)
    },
    normalise: (scores) => normalise(scores, nodes, ignored),
  }
}

/** Fewer pods are better; nodes that were left out get nothing. */
function normalise(scores: Float64Array, nodes: readonly NodeState[], ignored: ReadonlySet<number>): void {
  let least = Infinity
  let most = 0
  const isIgnored = (i: number): boolean => ignored.size > 0 && ignored.has(nodes[i]?.slot ?? -1)
  for (let i = 0; i < scores.length; i++) {
    if (isIgnored(i)) continue
    const score = scores[i] ?? 0
    if (score < least) least = score
    if (score > most) most = score
  }
  for (let i = 0; i < scores.length; i++) {
    if (isIgnored(i)) scores[i] = 0
    else scores[i] = most === 0 ? HIGHEST_SCORE : Math.floor((HIGHEST_SCORE * (most + least - (scores[i] ?? 0))) / most)
  }
}
