import { rfc3339 } from '#base'
import type { core } from '#api'
import type { Evictions } from './zone-health.ts'

export const TAINTS = {
  notReady: 'node.kubernetes.io/not-ready',
  unreachable: 'node.kubernetes.io/unreachable',
  unschedulable: 'node.kubernetes.io/unschedulable',
  memoryPressure: 'node.kubernetes.io/memory-pressure',
  diskPressure: 'node.kubernetes.io/disk-pressure',
  pidPressure: 'node.kubernetes.io/pid-pressure',
  networkUnavailable: 'node.kubernetes.io/network-unavailable',
} as const
const OURS: ReadonlySet<string> = new Set(Object.values(TAINTS))
const WATCHED_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const

const COPIED_LABELS = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
] as const

function statusOf(node: core.Node, type: string): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type)?.status
}

const STOPPED = { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }

/** Its kubelet has been found silent; what a kubelet itself says of its node is another matter. */
export function isSilent(node: core.Node): boolean {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')
  return ready?.status === 'Unknown' && ready.message === STOPPED.message
}

/** The conditions once the node has been silent for too long; undefined when they say so already. */
export function silentConditions(node: core.Node, nowMs: number): core.NodeCondition[] | undefined {
  const present = node.status?.conditions ?? []
  const now = rfc3339(nowMs)
  let isChanged = false
  const next = [...present]
  for (const type of WATCHED_CONDITIONS) {
    const i = next.findIndex((condition) => condition.type === type)
    const known = next[i]
    if (known === undefined) {
      next.push({
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata?.creationTimestamp,
        lastTransitionTime: now,
      })
      isChanged = true
    } else if (known.status !== 'Unknown') {
      next[i] = { ...known, status: 'Unknown', ...STOPPED, lastTransitionTime: now }
      isChanged = true
    }
  }
  return isChanged ? next : undefined
}

/** Its pods are told to leave, because of how the node is. */
export function isEvicted({ spec }: core.Node): boolean {
  return (spec?.taints ?? []).some(({ key, effect }) => effect === 'NoExecute' && (key === TAINTS.notReady || key === TAINTS.unreachable))
}

/** The taints that a node's conditions and its spec call for; those of others stay. Undefined when nothing changes. */
export function wantedTaints(node: core.Node, evictions: Evictions, nowMs: number): core.Taint[] | undefined {
  const ready = statusOf(node, 'Ready')
  const present = node.spec?.taints ?? []
  const wanted: { readonly key: string; readonly effect: string }[] = []
  const condition = ready === 'False' ? TAINTS.notReady : ready === 'Unknown' ? TAINTS.unreachable : undefined
  if (condition !== undefined) {
    wanted.push({ key: condition, effect: 'NoSchedule' })
    const isGoing = evictions === 'go on' || evictions === 'go on slowly'
    if (isGoing || (evictions === 'begin no more' && isEvicted(node))) wanted.push({ key: condition, effect: 'NoExecute' })
  }
  if (statusOf(node, 'MemoryPressure') === 'True') wanted.push({ key: TAINTS.memoryPressure, effect: 'NoSchedule' })
  if (statusOf(node, 'DiskPressure') === 'True') wanted.push({ key: TAINTS.diskPressure, effect: 'NoSchedule' })
  if (statusOf(node, 'PIDPressure') === 'True') wanted.push({ key: TAINTS.pidPressure, effect: 'NoSchedule' })
  if (statusOf(node, 'NetworkUnavailable') === 'True') wanted.push({ key: TAINTS.networkUnavailable, effect: 'NoSchedule' })
  if (node.spec?.unschedulable) wanted.push({ key: TAINTS.unschedulable, effect: 'NoSchedule' })

  const isOurs = (taint: core.Taint): boolean =>
    OURS.has(taint.key) && (taint.effect === 'NoSchedule' || taint.key === TAINTS.notReady || taint.key === TAINTS.unreachable)
  const isWanted = (taint: core.Taint): boolean => wanted.some(({ key, effect }) => key === taint.key && effect === taint.effect)
  const kept = present.filter((taint) => !isOurs(taint) || isWanted(taint))
  const added = wanted
    .filter(({ key, effect }) => !present.some((taint) => taint.key === key && taint.effect === effect))
    .map((taint): core.Taint => ({ ...taint, timeAdded: rfc3339(nowMs) }))
  return kept.length === present.length && added.length === 0 ? undefined : [...kept, ...added]
}

/** The older names of two labels follow the present ones. */
export function missingLabels(node: core.Node): Record<string, string> {
  const labels = node.metadata?.labels ?? {}
  const missing: Record<string, string> = {}
  for (const [from, to] of COPIED_LABELS) {
    const value = labels[from]
    if (value !== undefined && labels[to] !== value) missing[to] = value
  }
  return missing
}
