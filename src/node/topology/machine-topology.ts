import { join } from 'node:path'
import { totalmem } from 'node:os'
import { formatQuantity } from '#api'
import { namesIn, textOfFile } from '../machine-files.ts'
import { parseNumbers, sorted } from './number-list.ts'

/** Where a logical processor is. Cores and caches are named by their lowest processor: the kernel's own numbers repeat from socket to socket. */
export interface CpuPlace {
  readonly cpu: number
  readonly core: number
  readonly socket: number
  /** Memory node (NUMA). */
  readonly node: number
  /** The largest cache that it shares with others. */
  readonly cache: number
}

export interface MemoryNode {
  readonly id: number
  readonly memoryBytes: number
  /** By resource name: `hugepages-2Mi`. */
  readonly hugePages: ReadonlyMap<string, number>
  /** By the other node's id; 10 to itself. */
  readonly distances: ReadonlyMap<number, number>
}

/** How processors and memory of a machine belong together. */
export interface Topology {
  /** By number, lowest first. */
  readonly cpus: readonly CpuPlace[]
  readonly nodes: readonly MemoryNode[]
}

/** What the kernel tells of the machine. Where it tells of no memory nodes, everything is on one. */
export function readTopology(root = '/sys/devices/system', memoryBytes = totalmem()): Topology {
  const nodesDir = join(root, 'node')
  const ids = sorted(parseNumbers(textOfFile(join(nodesDir, 'online'))))
  const nodes = ids.map((id) => memoryNode(join(nodesDir, `node${id}`), id, ids))
  const nodeOf = new Map(
    ids.flatMap((id) => [...parseNumbers(textOfFile(join(nodesDir, `node${id}`, 'cpulist')))].map((cpu) => [cpu, id] as const)),
  )
  const cpus = sorted(parseNumbers(textOfFile(join(root, 'cpu', 'online')))).map((cpu): CpuPlace => {
    const dir = join(root, 'cpu', `cpu${cpu}`)
    return {
      cpu,
      core: lowest(textOfFile(join(dir, 'topology/thread_siblings_list')), cpu),
      socket: Math.max(Number(textOfFile(join(dir, 'topology/physical_package_id'))), 0),
      node: nodeOf.get(cpu) ?? 0,
      cache: largestCache(join(dir, 'cache'), cpu),
    }
  })
  return { cpus, nodes: nodes.length > 0 ? nodes : [{ id: 0, memoryBytes, hugePages: new Map(), distances: new Map([[0, 10]]) }] }
}

function memoryNode(dir: string, id: number, all: readonly number[]): MemoryNode {
  const kilobytes = Number(/MemTotal:\s+(\d+) kB/.exec(textOfFile(join(dir, 'meminfo')))?.[1] ?? 0)
  const distances = textOfFile(join(dir, 'distance')).split(/\s+/).map(Number)
  const hugePages = namesIn(join(dir, 'hugepages')).flatMap((name): [string, number][] => {
    const pageBytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0) * 1024
    if (pageBytes === 0) return []
    const size = formatQuantity({ mantissa: BigInt(pageBytes), scale: 0, format: 'BinarySI' })
    return [[`hugepages-${size}`, Number(textOfFile(join(dir, 'hugepages', name, 'nr_hugepages'))) * pageBytes]]
  })
  return {
    id,
    memoryBytes: kilobytes * 1024,
    hugePages: new Map(hugePages),
    distances: new Map(all.map((other, at) => [other, distances[at] ?? 10])),
  }
}

/** Of the highest level that the kernel lists. */
function largestCache(dir: string, cpu: number): number {
  const caches = namesIn(dir).filter((name) => /^index\d+$/.test(name))
  const levels = caches.map((name) => ({
    level: Number(textOfFile(join(dir, name, 'level'))),
    shared: textOfFile(join(dir, name, 'shared_cpu_list')),
  }))
  const largest = levels.toSorted((a, b) => b.level - a.level)[0]
  return largest === undefined ? cpu : lowest(largest.shared, cpu)
}

const lowest = (text: string, otherwise: number): number => sorted(parseNumbers(text))[0] ?? otherwise
