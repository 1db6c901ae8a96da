import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type core, quantityMilli, quantityValue } from '#api'
import { quotaOf, sharesOf } from '../containers/resources.ts'
import { removeCgroupTree } from '../host/cgroup-tree.ts'
import type { CgroupLayout } from '../host/machine/cgroup-layout.ts'
import { type AnyContainer, initContainersOf, isSidecar, mainContainersOf, qosClassOf, uidOf } from '../pods/pod-facts.ts'
import type { PodCgroups } from '../pods/services.ts'
import { type NodeCgroups, makeV2, weightOf } from './node-cgroups.ts'

const PERIOD_US = 100_000
/** What v1 shows where there is no limit is a little below 2^63. */
const UNLIMITED_BYTES = 2 ** 60

export interface PodLimits {
  readonly cpuShares: number
  /** 0 is none. */
  readonly cpuQuotaUs: number
  /** 0 is none. */
  readonly memoryBytes: number
}

/** What a pod as a whole may use: its own limits, or the sum of its containers' when all have one. */
export function podLimits(pod: core.Pod): PodLimits {
  const milli = (container: AnyContainer, kind: 'requests' | 'limits'): number =>
    container.resources?.[kind]?.cpu === undefined ? 0 : quantityMilli(container.resources[kind].cpu)
  const memory = (container: AnyContainer): number =>
    container.resources?.limits?.memory === undefined ? 0 : quantityValue(container.resources.limits.memory)
  const init = initContainersOf(pod)
  const lasting = [...mainContainersOf(pod), ...init.filter((container) => isSidecar(pod, container))]
  const passing = init.filter((container) => !isSidecar(pod, container))
  /** Init containers run one at a time, so the largest of them counts. */
  const total = (of: (container: AnyContainer) => number): number =>
    Math.max(
      lasting.reduce((sum, container) => sum + of(container), 0),
      ...passing.map(of),
    )
  const own = pod.spec?.resources
  const everyHas = (name: 'cpu' | 'memory'): boolean =>
    [...lasting, ...passing].every((container) => container.resources?.limits?.[name] !== undefined)
  const cpuLimit =
    own?.limits?.cpu === undefined
      ? everyHas('cpu')
        ? total((container) => milli(container, 'limits'))
        : 0
      : quantityMilli(own.limits.cpu)
  return {
    cpuShares: sharesOf(
      own?.requests?.cpu === undefined ? total((container) => milli(container, 'requests')) : quantityMilli(own.requests.cpu),
    ),
    cpuQuotaUs: quotaOf(cpuLimit),
    memoryBytes: own?.limits?.memory === undefined ? (everyHas('memory') ? total(memory) : 0) : quantityValue(own.limits.memory),
  }
}

/** At least both. */
export function widest(a: PodLimits, b: PodLimits): PodLimits {
  const wider = (x: number, y: number): number => (x === 0 || y === 0 ? 0 : Math.max(x, y))
  return {
    cpuShares: Math.max(a.cpuShares, b.cpuShares),
    cpuQuotaUs: wider(a.cpuQuotaUs, b.cpuQuotaUs),
    memoryBytes: wider(a.memoryBytes, b.memoryBytes),
  }
}

/** As the kernel has them: an agent that was restarted did not set them. */
function currentLimits(layout: CgroupLayout, path: string): PodLimits {
  const number = (dir: string | undefined, name: string): number => {
    if (dir === undefined) return 0
    const [text = ''] = readFileSync(join(dir, path, name), 'utf8')
      .trim()
      .split(' ')
    const value = Number(text)
    return Number.isNaN(value) || value < 0 || value >= UNLIMITED_BYTES ? 0 : value
  }
  if (layout.version === 2)
    return { cpuShares: 0, cpuQuotaUs: number(layout.mount, 'cpu.max'), memoryBytes: number(layout.mount, 'memory.max') }
  const { cpu, memory } = layout.controllers
  return { cpuShares: 0, cpuQuotaUs: number(cpu, 'cpu.cfs_quota_us'), memoryBytes: number(memory, 'memory.limit_in_bytes') }
}

/** One cgroup per pod, below one per QoS class, below the instance's own. Containers get theirs below it from the runtime. */
export function podCgroups(
  layout: CgroupLayout,
  root: string,
  podPidsLimit: number,
  node: NodeCgroups,
  hasOwnCpus: (podUid: string) => boolean,
): PodCgroups {
  /** Processors of its own need no quota: it would only be held up at the end of each period. */
  const limitsOf = (pod: core.Pod): PodLimits => (hasOwnCpus(uidOf(pod)) ? { ...podLimits(pod), cpuQuotaUs: 0 } : podLimits(pod))
  const burstable = new Map<string, number>()
  /** Pods that ended long ago ask for nothing: a pod counts from its first `ensure` to its `remove`. */
  const weigh = (pod: core.Pod, isThere: boolean): void => {
    if (qosClassOf(pod) !== 'Burstable') return
    if (isThere) burstable.set(uidOf(pod), podLimits(pod).cpuShares)
    else if (!burstable.delete(uidOf(pod))) return
    node.setBurstable([...burstable.values()].reduce((sum, shares) => sum + shares, 0))
  }
  const pathOf = (pod: core.Pod): string => {
    const qos = qosClassOf(pod)
    return join(root, 'kubepods', ...(qos === 'Guaranteed' ? [] : [qos.toLowerCase()]), `pod${uidOf(pod)}`)
  }
  const applied = new Map<string, string>()
  const apply = (path: string, limits: PodLimits): void => {
    const wanted = JSON.stringify(limits)
    if (applied.get(path) === wanted) return
    if (layout.version === 1) applyV1(layout.controllers, path, limits, podPidsLimit)
    else applyV2(layout.mount, path, limits, podPidsLimit)
    applied.set(path, wanted)
  }
  return {
    ensure(pod) {
      const path = pathOf(pod)
      apply(path, limitsOf(pod))
      weigh(pod, true)
      return path
    },
    widen(pod) {
      const path = pathOf(pod)
      apply(path, widest(currentLimits(layout, path), limitsOf(pod)))
    },
    async remove(scope, pod) {
      applied.delete(pathOf(pod))
      weigh(pod, false)
      await removeCgroupTree(scope, layout, pathOf(pod))
    },
  }
}

function applyV1(controllers: Readonly<Record<string, string>>, path: string, limits: PodLimits, pids: number): void {
  const file = (controller: string, name: string, value: number): void => {
    const mount = controllers[controller]
    if (mount === undefined) return
    mkdirSync(join(mount, path), { recursive: true })
    writeFileSync(join(mount, path, name), String(value))
  }
  file('cpu', 'cpu.shares', limits.cpuShares)
  file('cpu', 'cpu.cfs_period_us', PERIOD_US)
  file('cpu', 'cpu.cfs_quota_us', limits.cpuQuotaUs === 0 ? -1 : limits.cpuQuotaUs)
  file('memory', 'memory.limit_in_bytes', limits.memoryBytes === 0 ? -1 : limits.memoryBytes)
  if (pids > 0) file('pids', 'pids.max', pids)
}

function applyV2(mount: string, path: string, limits: PodLimits, pids: number): void {
  const dir = makeV2(mount, path)
  writeFileSync(join(dir, 'cpu.weight'), String(weightOf(limits.cpuShares)))
  writeFileSync(join(dir, 'cpu.max'), `${limits.cpuQuotaUs === 0 ? 'max' : limits.cpuQuotaUs} ${PERIOD_US}`)
  writeFileSync(join(dir, 'memory.max'), limits.memoryBytes === 0 ? 'max' : String(limits.memoryBytes))
  if (pids > 0) writeFileSync(join(dir, 'pids.max'), String(pids))
}
