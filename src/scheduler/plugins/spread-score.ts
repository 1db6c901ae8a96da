import type { Cluster } from '../cluster/cluster.ts'
import type { Candidates } from '../framework/candidates.ts'
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
    prepare: (cluster, pod, candidates) => {
      const constraints = source.soft(pod)
      return constraints.length === 0 ? undefined : prepareSpread(cluster, pod, candidates, constraints, source.isAskedFor(pod))
    },
  }
}

interface Prepared {
  readonly constraint: SpreadConstraint
  readonly weight: number
  readonly countOn: (slot: number) => number | undefined
}

/** `strict`: nodes without one of the labels are left out of the comparison. */
function prepareSpread(
  cluster: Cluster,
  pod: PodInfo,
  { slots }: Candidates,
  constraints: readonly SpreadConstraint[],
  strict: boolean,
): PreparedScore {
  const topologies = constraints.map(({ topologyKey }) => cluster.topology(topologyKey))
  const hasAll = (slot: number): boolean => topologies.every((topology) => topology.domainOf(slot) >= 0)
  const mayLack = strict && topologies.some(({ unlabelled }) => unlabelled > 0)
  const ignored = new Set(mayLack ? slots.filter((slot) => !hasAll(slot)) : [])
  const compared = ignored.size === 0 ? slots : slots.filter((slot) => !ignored.has(slot))
  const prepared = constraints.map((constraint): Prepared => {
    const counter = cluster.counter(constraint.pods)
    const topology = cluster.topology(constraint.topologyKey)
    if (constraint.topologyKey === HOST)
      return {
        constraint,
        weight: Math.log(compared.length + 2),
        countOn: (slot) => (topology.domainOf(slot) < 0 ? undefined : counter.onNode(slot)),
      }
    // Where no node is left out, the counts are there already.
    if (everyNodeCounts(cluster, pod, constraint) && topologies.every(({ unlabelled }) => unlabelled === 0)) {
      const { values } = counter.byDomain(constraint.topologyKey)
      const domains = new Set<number>()
      for (const slot of compared) domains.add(topology.domainOf(slot))
      return { constraint, weight: Math.log(domains.size + 2), countOn: (slot) => values[topology.domainOf(slot)] }
    }
    const counts = new Map<number, number>()
    // Nodes without the label are a domain of their own when it comes to how many there are.
    const lacking = compared.some((slot) => topology.domainOf(slot) < 0) ? 1 : 0
    for (const slot of compared) if (topology.domainOf(slot) >= 0) counts.set(topology.domainOf(slot), 0)
    for (const node of cluster.nodes()) {
      if ((strict && !hasAll(node.slot)) || !countsFor(cluster, constraint, pod, node)) continue
      const domain = topology.domainOf(node.slot)
      const before = counts.get(domain)
      if (before !== undefined) counts.set(domain, before + counter.onNode(node.slot))
    }
    return { constraint, weight: Math.log(counts.size + lacking + 2), countOn: (slot) => counts.get(topology.domainOf(slot)) }
  })
  const ofSlot = (slot: number): number => {
    if (ignored.size > 0 && ignored.has(slot)) return 0
    let score = 0
    for (let i = 0; i < prepared.length; i++) {
      const part = prepared[i]
      const count = part?.countOn(slot)
      if (part !== undefined && count !== undefined) score += count * part.weight + (part.constraint.maxSkew - 1)
    }
    return Math.round(score)
  }
  return { score: (node) => ofSlot(node.slot), ofSlot, normalise: (scores) => normalise(scores, slots, ignored) }
}

/** Fewer pods are better; nodes that were left out get nothing. */
function normalise(scores: Float64Array, slots: Int32Array, ignored: ReadonlySet<number>): void {
  let least = Infinity
  let most = 0
  const isIgnored = (i: number): boolean => ignored.size > 0 && ignored.has(slots[i] ?? -1)
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
