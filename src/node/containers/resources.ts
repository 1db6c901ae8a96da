import { type core, containerAmounts, quantityMilli, quantityValue } from '#api'
import type { LinuxResources } from '../cri/runtime.ts'
import type { HugePages } from '../node-object/facts.ts'
import type { NodeSettings } from '../settings.ts'
import { type AnyContainer, initContainersOf, isCritical, isSidecar, mainContainersOf, qosClassOf } from '../pods/pod-facts.ts'

const PERIOD_US = 100_000
const SHORTEST_QUOTA_US = 1000

export const sharesOf = (milli: number): number => (milli === 0 ? 2 : Math.min(Math.max(Math.floor((milli * 1024) / 1000), 2), 262_144))
export const quotaOf = (milli: number): number => (milli === 0 ? 0 : Math.max(Math.floor((milli * PERIOD_US) / 1000), SHORTEST_QUOTA_US))

export interface ResourceSettings {
  readonly memoryBytes: number
  readonly cgroupVersion: 1 | 2
  readonly countsSwap: boolean
  /** Those that the kernel counts by cgroup. */
  readonly hugePages: readonly Pick<HugePages, 'name' | 'pageBytes'>[]
}

export const resourceSettings = ({ memoryBytes, machine, hugePages }: NodeSettings): ResourceSettings => ({
  memoryBytes,
  cgroupVersion: machine.cgroups.version,
  countsSwap: machine.countsSwap,
  hugePages: machine.countsHugePages ? hugePages : [],
})

/** `2MB`, `1GB`: as in the names of hugetlb's files. */
export const kernelSize = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${bytes / 2 ** 30}GB` : bytes >= 2 ** 20 ? `${bytes / 2 ** 20}MB` : `${bytes / 1024}KB`

/** A limit that a container has not of its own is that of its pod as a whole. */
export function withPodLimits(
  own: core.ResourceRequirements | undefined,
  whole: core.ResourceRequirements | undefined,
): core.ResourceRequirements {
  const inherited = Object.entries(whole?.limits ?? {}).filter(
    ([name]) => isInherited(name) && (own?.limits?.[name] === undefined || (!isPages(name) && quantityValue(own.limits[name]) === 0)),
  )
  return inherited.length === 0 ? (own ?? {}) : { ...own, limits: { ...own?.limits, ...Object.fromEntries(inherited) } }
}
const isPages = (name: string): boolean => name.startsWith('hugepages-')
const isInherited = (name: string): boolean => name === 'cpu' || name === 'memory' || isPages(name)

/** A container's limits as the kernel counts them. */
export function resourcesOf(pod: core.Pod, container: AnyContainer, node: ResourceSettings): LinuxResources {
  const { requests } = container.resources ?? {}
  const { limits } = withPodLimits(container.resources, pod.spec?.resources)
  const cpuLimit = limits?.cpu === undefined ? 0 : quantityMilli(limits.cpu)
  const cpuRequest = requests?.cpu === undefined ? cpuLimit : quantityMilli(requests.cpu)
  const memoryLimitBytes = limits?.memory === undefined ? 0 : quantityValue(limits.memory)
  return {
    cpuPeriodUs: PERIOD_US,
    cpuQuotaUs: quotaOf(cpuLimit),
    cpuShares: sharesOf(cpuRequest),
    memoryLimitBytes,
    ...(node.countsSwap && node.cgroupVersion === 1 ? { memoryAndSwapLimitBytes: memoryLimitBytes } : {}),
    oomScoreAdj: oomScoreOf(pod, container, node.memoryBytes),
    ...(node.hugePages.length === 0
      ? {}
      : {
          hugePages: node.hugePages.map(({ name, pageBytes }) => ({
            pageSize: kernelSize(pageBytes),
            limitBytes: quantityValue(limits?.[`hugepages-${name}`] ?? '0'),
          })),
        }),
    unified:
      node.cgroupVersion === 1
        ? {}
        : {
            // Without it the kernel kills one process of a container and leaves the rest limping.
            'memory.oom.group': '1',
            ...(node.countsSwap ? { 'memory.swap.max': '0' } : {}),
          },
  }
}

/** Who goes first when memory runs out: best effort, then whoever asked for the least; a sidecar never before the containers that it serves. */
export function oomScoreOf(pod: core.Pod, container: AnyContainer, nodeMemoryBytes: number): number {
  if (isCritical(pod)) return -997
  switch (qosClassOf(pod)) {
    case 'Guaranteed':
      return -997
    case 'BestEffort':
      return 1000
    default: {
      const share = podShareBytes(pod)
      const scoreOf = (bytes: number): number => 1000 - Math.floor((1000 * (bytes + share)) / nodeMemoryBytes)
      const own = scoreOf(requestBytes(container))
      const least = Math.min(...mainContainersOf(pod).map(requestBytes))
      const score = isSidecar(pod, container) ? Math.min(own, scoreOf(least)) : own
      return score < 3 ? 3 : score === 1000 ? 999 : score
    }
  }
}

const requestBytes = ({ resources }: AnyContainer): number => quantityValue(resources?.requests?.memory ?? '0')

/** What a pod asks for as a whole beyond what its containers do, each one's part. */
function podShareBytes(pod: core.Pod): number {
  const whole = pod.spec?.resources?.requests?.memory
  if (whole === undefined || quantityValue(whole) === 0) return 0
  const ofContainers = quantityValue(containerAmounts(pod.spec, 'requests').memory ?? '0')
  return Math.trunc((quantityValue(whole) - ofContainers) / (mainContainersOf(pod).length + initContainersOf(pod).length))
}
