import type { Topology } from '../topology/machine-topology.ts'
import type { NumberSet } from '../topology/number-list.ts'
import { combinations } from '../topology/combinations.ts'
import { levelsOf, ranked, takeCpus } from './take-cpus.ts'

/** How many processors each memory node gives, and how evenly what is left is spread then: less is better. */
interface Share {
  readonly byNode: ReadonlyMap<number, number>
  readonly imbalance: number
}

/**
 * So many of the free processors; when one memory node has not enough of them, as evenly from the fewest nodes as can be, so that threads of
 * one program have equally much memory near them. In groups of `groupSize`: whole cores where that is wanted. Undefined when there are too few.
 */
export function distributeCpus(topology: Topology, free: NumberSet, count: number, groupSize: number): NumberSet | undefined {
  if (count > free.size) return undefined
  if (count === 0) return new Set()
  const share = count % groupSize === 0 ? evenShare(topology, free, count, groupSize) : undefined
  if (share === undefined) return takeCpus(topology, free, count)
  const taken = new Set<number>()
  for (const [node, amount] of share.byNode) {
    const near = new Set(topology.cpus.flatMap((place) => (place.node === node && free.has(place.cpu) ? [place.cpu] : [])))
    for (const cpu of takeCpus(topology, near, amount) ?? []) taken.add(cpu)
  }
  return taken
}

function evenShare(topology: Topology, free: NumberSet, count: number, groupSize: number): Share | undefined {
  const [outer, inner] = levelsOf(topology)
  const order = outer === 'node' ? (['node'] as const) : ([outer, inner] as const)
  const available = new Map([...Map.groupBy(ranked(topology, free, order), ({ node }) => node)].map(([node, { length }]) => [node, length]))
  const groups = Math.ceil(topology.cpus.length / groupSize)
  const groupsPerNode = Math.ceil(groups / new Set(topology.cpus.map(({ node }) => node)).size)
  const fewest = Math.ceil(count / groupSize / groupsPerNode)
  const most = Math.min(count / groupSize, available.size)
  for (let size = fewest; size <= most; size++) {
    let best: Share | undefined
    for (const nodes of combinations([...available.keys()], size)) {
      const share = shareOf(available, nodes, count, groupSize)
      if (share !== undefined && share.imbalance < (best?.imbalance ?? Number.POSITIVE_INFINITY)) best = share
      if (best?.imbalance === 0) break
    }
    if (best !== undefined) return best
  }
  return undefined
}

/** The same from each of these nodes, and what that leaves over from as many of them as leaves the machine most even. */
function shareOf(available: ReadonlyMap<number, number>, nodes: readonly number[], count: number, groupSize: number): Share | undefined {
  const has = (node: number): number => available.get(node) ?? 0
  const wholeGroups = nodes.reduce((sum, node) => sum + Math.floor(has(node) / groupSize), 0)
  const each = Math.floor(count / nodes.length / groupSize) * groupSize
  if (wholeGroups * groupSize < count || nodes.some((node) => has(node) < each)) return undefined
  const byNode = new Map(nodes.map((node) => [node, each]))
  const left = (given: ReadonlyMap<number, number>): number[] => [...available].map(([node, amount]) => amount - (given.get(node) ?? 0))
  const over = count - each * nodes.length
  if (over === 0) return { byNode, imbalance: deviation(left(byNode)) }
  const able = nodes.filter((node) => has(node) - each >= groupSize)
  let best: Share | undefined
  for (let size = able.length; size >= 1; size--) {
    for (const some of combinations(able, size)) {
      const given = new Map(byNode)
      let rest = over
      for (let progress = true; rest > 0 && progress; ) {
        progress = false
        for (const node of some) {
          const already = given.get(node) ?? 0
          if (rest === 0 || has(node) - already < groupSize) continue
          given.set(node, already + groupSize)
          rest -= groupSize
          progress = true
        }
      }
      if (rest > 0) continue
      const imbalance = deviation(left(given))
      if (imbalance < (best?.imbalance ?? Number.POSITIVE_INFINITY)) best = { byNode: given, imbalance }
    }
  }
  return best
}

/** Standard deviation, in thousandths: smaller differences are none. */
function deviation(values: readonly number[]): number {
  const round = (value: number): number => Math.round(value * 1000) / 1000
  const mean = round(values.reduce((sum, value) => sum + value, 0) / values.length)
  return round(Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length))
}
