import { type core, quantityMilli, quantityValue } from '#api'
import type { LinuxResources } from '../cri/runtime.ts'
import type { HugePages } from '../node-object/facts.ts'
import type { NodeSettings } from '../settings.ts'
import { type AnyContainer, isCritical, qosClassOf } from '../pods/pod-facts.ts'

const PERIOD_US = 100_000
const SHORTEST_QUOTA_US = 1000

export const sharesOf = (milli: number): number => (milli === 0 ? 2 : Math.min(Math.max(Math.floor((milli * 1024) / 1000), 2), 262_144))
export const quotaOf = (milli: number): number => (milli === 0 ? 0 : Math.max(Math.floor((milli * PERIOD_US) / 1000), SHORTEST_QUOTA_US))

export interface ResourceSettings {
  readonly memoryBytes: number
  readonly cgroupVersion: 1 | 2
  /** Those that the kernel counts by cgroup. */
  readonly hugePages: readonly Pick<HugePages, 'name' | 'pageBytes'>[]
}

export const resourceSettings = ({ memoryBytes, machine, hugePages }: NodeSettings): ResourceSettings => ({
  memoryBytes,
  cgroupVersion: machine.cgroups.version,
  hugePages: machine.countsHugePages ? hugePages : [],
})

/** `2MB`, `1GB`: as in the names of hugetlb's files. */
export const kernelSize = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${bytes / 2 ** 30}GB` : bytes >= 2 ** 20 ? `${bytes / 2 ** 20}MB` : `${bytes / 1024}KB`

/** A container's limits as the kernel counts them. */
export function resourcesOf(pod: core.Pod, container: AnyContainer, node: ResourceSettings): LinuxResources {
  const { requests, limits } = container.resources ?? {}
  const cpuLimit = limits?.cpu === undefined ? 0 : quantityMilli(limits.cpu)
  const cpuRequest = requests?.cpu === undefined ? cpuLimit : quantityMilli(requests.cpu)
  return {
    cpuPeriodUs: PERIOD_US,
    cpuQuotaUs: quotaOf(cpuLimit),
    cpuShares: sharesOf(cpuRequest),
    memoryLimitBytes: limits?.memory === undefined ? 0 : quantityValue(limits.memory),
    oomScoreAdj: oomScoreOf(pod, container, node.memoryBytes),
    ...(node.hugePages.length === 0
      ? {}
      : {
          hugePages: node.hugePages.map(({ name, pageBytes }) => ({
            pageSize: kernelSize(pageBytes),
            limitBytes: quantityValue(limits?.[`hugepages-${name}`] ?? '0'),
          })),
        }),
    // Without it the kernel kills one process of a container and leaves the rest limping.
    unified: node.cgroupVersion === 2 ? { 'memory.oom.group': '1' } : {},
  }
}

/** Who goes first when memory runs out: best effort, then whoever asked for the least. */
export function oomScoreOf(pod: core.Pod, container: AnyContainer, nodeMemoryBytes: number): number {
  if (isCritical(pod)) return -997
  switch (qosClassOf(pod)) {
    case 'Guaranteed':
      return -997
    case 'BestEffort':
      return 1000
    default: {
      const request = container.resources?.requests?.memory
      const score = 1000 - Math.floor((1000 * (request === undefined ? 0 : quantityValue(request))) / nodeMemoryBytes)
      return score < 3 ? 3 : score === 1000 ? 999 : score
    }
  }
}
