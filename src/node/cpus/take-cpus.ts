import type { CpuPlace, Topology } from '../topology/machine-topology.ts'
import type { NumberSet } from '../topology/number-list.ts'

type Level = 'socket' | 'node' | 'cache' | 'core' | 'cpu'

/** Of one kind of part: which processors it has, free or not. */
const partsOf = (cpus: readonly CpuPlace[], level: Level): Map<number, CpuPlace[]> => Map.groupBy(cpus, (place) => place[level])

/** Sockets in memory nodes, or memory nodes in sockets: the larger comes first. */
export function levelsOf({ cpus }: Topology): readonly [outer: 'socket' | 'node', inner: 'socket' | 'node'] {
  return partsOf(cpus, 'socket').size >= partsOf(cpus, 'node').size ? ['node', 'socket'] : ['socket', 'node']
}

/**
 * Free processors, fullest parts first: what has the least left is used up before anything whole is broken. Parts are compared from the
 * largest to the smallest, equal ones by their number.
 */
export function ranked(topology: Topology, free: NumberSet, levels: readonly Level[]): CpuPlace[] {
  const places = topology.cpus.filter(({ cpu }) => free.has(cpu))
  const counts = levels.map((level) => new Map([...partsOf(places, level)].map(([id, { length }]) => [id, length])))
  return places.toSorted((a, b) => {
    for (const [at, level] of levels.entries()) {
      const difference = (counts[at]?.get(a[level]) ?? 0) - (counts[at]?.get(b[level]) ?? 0) || a[level] - b[level]
      if (difference !== 0) return difference
    }
    return 0
  })
}

const idsOf = (places: readonly CpuPlace[], level: Level): number[] => [...new Set(places.map((place) => place[level]))]

/**
 * So many of the free processors, as close together as there are: whole sockets and memory nodes, then (when `byCache`) parts that share a
 * cache, then whole cores, then single ones. Undefined when there are too few.
 */
export function takeCpus(topology: Topology, free: NumberSet, count: number, byCache = false): NumberSet | undefined {
  if (count > free.size) return undefined
  const [outer, inner] = levelsOf(topology)
  const left = new Set(free)
  const taken = new Set<number>()
  const missing = (): number => count - taken.size
  const take = (places: readonly CpuPlace[]): void => {
    for (const { cpu } of places) {
      taken.add(cpu)
      left.delete(cpu)
    }
  }
  /** Parts that nobody has anything of, as long as one whole is needed. */
  const takeWhole = (level: Level, order: readonly Level[]): void => {
    const parts = partsOf(topology.cpus, level)
    for (const id of idsOf(ranked(topology, left, order), level)) {
      const part = parts.get(id) ?? []
      if (part.length <= missing() && part.every(({ cpu }) => left.has(cpu))) take(part)
    }
  }
  takeWhole(outer, [outer])
  takeWhole(inner, [outer, inner])
  if (byCache && missing() > 0) {
    const order: readonly Level[] = outer === 'node' ? ['node', 'cache'] : ['socket', 'node', 'cache']
    takeWhole('cache', order)
    for (const id of idsOf(ranked(topology, left, order), 'cache')) if (missing() > 0) take(fromCache(topology, left, id, missing()))
  }
  takeWhole('core', [outer, inner, 'core'])
  take(ranked(topology, left, [outer, inner, 'core', 'cpu']).slice(0, missing()))
  return taken
}

/** So many of the processors of one cache, by whole cores but for the last; none when it has too few. */
function fromCache(topology: Topology, free: NumberSet, cache: number, count: number): readonly CpuPlace[] {
  const threads = threadsPerCore(topology)
  const cores = [
    ...partsOf(
      topology.cpus.filter((place) => place.cache === cache && free.has(place.cpu)),
      'core',
    ),
  ].toSorted(([a], [b]) => a - b)
  const places = cores.slice(0, Math.ceil(count / threads)).flatMap(([, inCore]) => inCore)
  return places.length < count ? [] : places.slice(0, count)
}

export const threadsPerCore = ({ cpus }: Topology): number => Math.max(Math.floor(cpus.length / Math.max(partsOf(cpus, 'core').size, 1)), 1)
