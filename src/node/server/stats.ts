import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { Scope } from '#base'
import type { core } from '#api'
import { rfc3339 } from '#base'
import type { ContainerStats } from '../cri/runtime.ts'
import type { NodeAgent } from '../node-agent.ts'

interface Sample {
  readonly atMs: number
  readonly nanoseconds: number
}

/** How full a volume is, as its driver tells; a driver need not tell of both. */
export interface VolumeStats {
  readonly time: string
  readonly name: string
  readonly pvcRef?: { readonly name: string; readonly namespace: string }
  readonly availableBytes?: number
  readonly capacityBytes?: number
  readonly usedBytes?: number
  readonly inodesFree?: number
  readonly inodes?: number
  readonly inodesUsed?: number
  readonly volumeHealthStats: { readonly abnormal: boolean }
}

/** Usage of node, pods and containers. Rates come from the difference to the last time that somebody asked. */
export class NodeStats {
  readonly #agent: NodeAgent
  readonly #rootDir: string
  readonly #last = new Map<string, Sample>()
  readonly #rates = new Map<string, number>()

  constructor(agent: NodeAgent, rootDir: string) {
    this.#agent = agent
    this.#rootDir = rootDir
  }

  async containers(scope: Scope): Promise<readonly ContainerStats[]> {
    return this.#agent.runtime.listContainerStats(scope)
  }

  /** The form of /stats/summary. */
  async summary(scope: Scope): Promise<object> {
    const [stats, disk] = await Promise.all([this.containers(scope), statfs(this.#rootDir)])
    const now = scope.clock.now()
    const time = rfc3339(now)
    const filesystem = {
      time,
      availableBytes: disk.bavail * disk.bsize,
      capacityBytes: disk.blocks * disk.bsize,
      usedBytes: (disk.blocks - disk.bfree) * disk.bsize,
      inodesFree: disk.ffree,
      inodes: disk.files,
      inodesUsed: disk.files - disk.ffree,
    }
    const describe = async (pod: core.Pod) => {
      const own = stats.filter(({ podUid }) => podUid === pod.metadata?.uid)
      const containers = own.map((one) => this.#container(one, filesystem))
      const sum = (of: (one: ContainerStats) => number): number => own.reduce((total, one) => total + of(one), 0)
      return {
        podRef: { name: pod.metadata?.name, namespace: pod.metadata?.namespace, uid: pod.metadata?.uid },
        startTime: pod.status?.startTime ?? null,
        containers,
        cpu: {
          time,
          usageNanoCores: containers.reduce((total, { cpu }) => total + cpu.usageNanoCores, 0),
          usageCoreNanoSeconds: sum(({ cpuUsageNanoseconds }) => cpuUsageNanoseconds),
        },
        memory: {
          time,
          usageBytes: sum(({ usageBytes }) => usageBytes),
          workingSetBytes: sum(({ workingSetBytes }) => workingSetBytes),
          rssBytes: sum(({ rssBytes }) => rssBytes),
          pageFaults: sum(({ pageFaults }) => pageFaults),
          majorPageFaults: sum(({ majorPageFaults }) => majorPageFaults),
        },
        'ephemeral-storage': { ...filesystem, usedBytes: sum(({ writableLayer }) => writableLayer?.usedBytes ?? 0) },
        volume: await this.#volumes(scope, pod, time),
      }
    }
    const pods = await Promise.all(this.#agent.pods.workers.map(({ pod }) => describe(pod)))
    return {
      node: {
        nodeName: this.#agent.settings.nodeName,
        cpu: { time, ...this.#nodeCpu(now) },
        memory: { time, ...nodeMemory() },
        fs: filesystem,
        runtime: { imageFs: filesystem },
      },
      pods,
    }
  }

  /** Of all pods. */
  async volumes(scope: Scope): Promise<readonly VolumeStats[]> {
    const time = rfc3339(scope.clock.now())
    return (await Promise.all(this.#agent.pods.workers.map(({ pod }) => this.#volumes(scope, pod, time)))).flat()
  }

  /** Volumes whose drivers tell how full they are. */
  async #volumes(scope: Scope, pod: core.Pod, time: string): Promise<readonly VolumeStats[]> {
    const { driven } = this.#agent.volumes
    const told = driven.usesOf(pod.metadata?.uid ?? '').map(async (use): Promise<readonly VolumeStats[]> => {
      // A driver that is away says nothing for a while.
      const health = await driven.health(scope, use).catch(() => undefined)
      if (health === undefined) return []
      const bytes = health.usage.find(({ unit }) => unit === 'bytes')
      const inodes = health.usage.find(({ unit }) => unit === 'inodes')
      const stats = {
        time,
        name: use.volume,
        ...(use.claim === undefined ? {} : { pvcRef: { name: use.claim, namespace: pod.metadata?.namespace ?? '' } }),
        ...(bytes && { availableBytes: bytes.available, capacityBytes: bytes.total, usedBytes: bytes.used }),
        ...(inodes && { inodesFree: inodes.available, inodes: inodes.total, inodesUsed: inodes.used }),
        volumeHealthStats: { abnormal: health.abnormal !== undefined },
      }
      return [stats]
    })
    return (await Promise.all(told)).flat()
  }

  nodeCpuSeconds(): number {
    const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/\s+/)
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number)
    return (user + nice + system + irq + softirq + steal) / 100
  }

  #nodeCpu(now: number): { usageNanoCores: number; usageCoreNanoSeconds: number } {
    const nanoseconds = Math.round(this.nodeCpuSeconds() * 1e9)
    return { usageNanoCores: this.#rate('node', { atMs: now, nanoseconds }), usageCoreNanoSeconds: nanoseconds }
  }

  #container(one: ContainerStats, filesystem: object) {
    const time = rfc3339(one.atMs)
    return {
      name: one.name,
      startTime: time,
      cpu: {
        time,
        usageNanoCores: this.#rate(one.id, { atMs: one.atMs, nanoseconds: one.cpuUsageNanoseconds }),
        usageCoreNanoSeconds: one.cpuUsageNanoseconds,
      },
      memory: {
        time,
        usageBytes: one.usageBytes,
        workingSetBytes: one.workingSetBytes,
        rssBytes: one.rssBytes,
        pageFaults: one.pageFaults,
        majorPageFaults: one.majorPageFaults,
      },
      rootfs: { ...filesystem, usedBytes: one.writableLayer?.usedBytes ?? 0, inodesUsed: one.writableLayer?.inodesUsed ?? 0 },
    }
  }

  #rate(id: string, sample: Sample): number {
    const last = this.#last.get(id)
    // A runtime that samples seldom gives the same sample twice: the rate of before still holds.
    if (last !== undefined && sample.atMs > last.atMs)
      this.#rates.set(id, Math.max(Math.round(((sample.nanoseconds - last.nanoseconds) / (sample.atMs - last.atMs)) * 1000), 0))
    if (last === undefined || sample.atMs > last.atMs) this.#last.set(id, sample)
    return this.#rates.get(id) ?? 0
  }
}

export function nodeMemory(): { availableBytes: number; usageBytes: number; workingSetBytes: number; rssBytes: number } {
  const text = readFileSync('/proc/meminfo', 'utf8')
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024
  const total = bytes('MemTotal')
  return {
    availableBytes: bytes('MemAvailable'),
    usageBytes: total - bytes('MemFree'),
    workingSetBytes: total - bytes('MemAvailable'),
    rssBytes: bytes('AnonPages'),
  }
}
