import type { CpuPlace, MemoryNode, Topology } from './machine-topology.ts'

export interface Shape {
  readonly sockets?: number
  /** Of each socket. */
  readonly nodes?: number
  /** Of each node. */
  readonly cores: number
  readonly threads?: number
  readonly coresPerCache?: number
  readonly memoryBytes?: number
}

/** A machine of equal parts. Second threads of cores have the higher numbers, as on real ones. */
export function machineOf({ sockets = 1, nodes = 1, cores, threads = 1, coresPerCache = cores, memoryBytes = 2 ** 30 }: Shape): Topology {
  const allCores = sockets * nodes * cores
  const cpus = Array.from({ length: allCores * threads }, (_, cpu): CpuPlace => {
    const core = cpu % allCores
    const node = Math.floor(core / cores)
    return { cpu, core, socket: Math.floor(node / nodes), node, cache: core - ((core % cores) % coresPerCache) }
  })
  const ids = Array.from({ length: sockets * nodes }, (_, id) => id)
  return {
    cpus,
    nodes: ids.map(
      (id): MemoryNode => ({
        id,
        memoryBytes,
        hugePages: new Map(),
        distances: new Map(ids.map((to) => [to, 10 + Math.abs(id - to) * 10])),
      }),
    ),
  }
}
