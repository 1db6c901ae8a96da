import type { Cluster } from '../cluster/cluster.ts'
import type { Topology } from '../cluster/columns.ts'
import type { Profile } from '../config/profile.ts'
import { type FilterPlugin, HIGHEST_SCORE, type Refusal, type ScorePlugin, refusal } from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { type AffinityTerm, allOf } from '../pod/terms.ts'

interface Domains {
  readonly topology: Topology
  /** By domain; shorter where the rest is 0. */
  readonly counts: Float64Array
}

/** Required affinity and anti-affinity between pods, both ways. */
export const interPodAffinity: FilterPlugin = {
  name: 'InterPodAffinity',
  prepare: (cluster, pod) => {
    const repelled = domainsThatRepel(cluster, pod)
    const avoided = pod.antiAffinity.map((term) => domainsOf(cluster, term, [term]))
    const wanted = pod.affinity.map((term) => domainsOf(cluster, term, pod.affinity))
    if (repelled.length === 0 && avoided.length === 0 && wanted.length === 0) return undefined
    const firstOfItsKind = wanted.every(isEmpty) && pod.affinity.every((term) => term.pods.matches(pod, cluster.namespaceLabels))
    const noAffinity = refusal('InterPodAffinity', "node(s) didn't match pod affinity rules", true)
    const ownAnti = refusal('InterPodAffinity', "node(s) didn't match pod anti-affinity rules", false)
    const othersAnti = refusal('InterPodAffinity', "node(s) didn't satisfy existing pods anti-affinity rules", false)
    const occupied = ({ topology, counts }: Domains, slot: number): boolean => {
      const domain = topology.domainOf(slot)
      return domain >= 0 && (counts[domain] ?? 0) > 0
    }
    const occupiedAny = (many: readonly Domains[], slot: number): boolean => {
      for (let i = 0; i < many.length; i++) {
        const domains = many[i]
        if (domains !== undefined && occupied(domains, slot)) return true
      }
      return false
    }
    const check = (slot: number): Refusal | undefined => {
      for (let i = 0; i < wanted.length; i++) {
        const domains = wanted[i]
        if (domains === undefined) continue
        if (domains.topology.domainOf(slot) < 0) return noAffinity
        if (!firstOfItsKind && !occupied(domains, slot)) return noAffinity
      }
      if (occupiedAny(avoided, slot)) return ownAnti
      return occupiedAny(repelled, slot) ? othersAnti : undefined
    }
    return { kind: 'check', check: ({ slot }) => check(slot), fits: (slot) => check(slot) === undefined }
  },
}

function domainsOf(cluster: Cluster, term: AffinityTerm, conjunction: readonly AffinityTerm[]): Domains {
  const counter = cluster.counter(allOf(conjunction.map(({ pods }) => pods)))
  return { topology: cluster.topology(term.topologyKey), counts: counter.byDomain(term.topologyKey).values }
}

function domainsThatRepel(cluster: Cluster, pod: PodInfo): readonly Domains[] {
  const found: Domains[] = []
  cluster.antiAffinity.forEachAbout(pod, cluster.namespaceLabels, ({ term, owners }) =>
    found.push({ topology: cluster.topology(term.topologyKey), counts: owners.byDomain(term.topologyKey).values }),
  )
  return found
}

function isEmpty({ topology, counts }: Domains): boolean {
  for (let domain = 0; domain < topology.domains; domain++) if ((counts[domain] ?? 0) > 0) return false
  return true
}

/** Preferred affinity of the pod, and that of placed pods towards it; their required affinity counts with a weight of its own. */
export const affinityPreference = (args: Profile['podAffinity'], pluginWeight: number): ScorePlugin => ({
  name: 'InterPodAffinity',
  weight: pluginWeight,
  prepare: (cluster, pod) => {
    const hasOwn = pod.preferredAffinity.length > 0 || pod.preferredAntiAffinity.length > 0
    if (args.ignorePreferredOfExisting && !hasOwn) return undefined
    const sums: (Domains & { readonly weight: number })[] = []
    for (const [terms, sign] of [
      [pod.preferredAffinity, 1],
      [pod.preferredAntiAffinity, -1],
    ] as const)
      for (const term of terms) sums.push({ ...domainsOf(cluster, term, [term]), weight: sign * term.weight })
    cluster.attractions.forEachAbout(pod, cluster.namespaceLabels, ({ term, weight: preferred, owners }) => {
      const weight = preferred ?? args.hardWeight
      if (weight !== 0)
        sums.push({ topology: cluster.topology(term.topologyKey), counts: owners.byDomain(term.topologyKey).values, weight })
    })
    if (sums.length === 0) return undefined
    const ofSlot = (slot: number): number => {
      let sum = 0
      for (let i = 0; i < sums.length; i++) {
        const part = sums[i]
        const domain = part?.topology.domainOf(slot) ?? -1
        if (part !== undefined && domain >= 0) sum += (part.counts[domain] ?? 0) * part.weight
      }
      return sum
    }
    return {
      score: ({ slot }) => ofSlot(slot),
      ofSlot,
      normalise: (scores) => {
        let least = Infinity
        let most = -Infinity
        for (let i = 0; i < scores.length; i++) {
          const score = scores[i] ?? 0
          if (score < least) least = score
          if (score > most) most = score
        }
        if (most === least) return void scores.fill(0)
        for (let i = 0; i < scores.length; i++) scores[i] = Math.floor((HIGHEST_SCORE * ((scores[i] ?? 0) - least)) / (most - least))
      },
    }
  },
})
