import type * as core from '../types/core-v1.gen.ts'
import { ageOf } from '../schema/age.ts'

/** What `kubectl get pods` shows of a pod: one word for its state, made of phase, reasons, init containers and exit codes. */
export interface PodSummary {
  readonly ready: string
  readonly status: string
  readonly restarts: string
}

export function summarisePod(pod: core.Pod, now: number): PodSummary {
  const { spec, status } = pod
  const containers = spec?.containers ?? []
  const sidecars = new Map((spec?.initContainers ?? []).map((container) => [container.name, container.restartPolicy === 'Always']))
  const counts = { ready: 0, total: containers.length, restarts: 0, sidecarRestarts: 0, lastRestart: '', lastSidecarRestart: '' }
  for (const isSidecar of sidecars.values()) if (isSidecar) counts.total++
  let reason = status?.reason !== undefined && status.reason !== '' ? status.reason : (status?.phase ?? '')
  if (status?.conditions?.some(({ type, reason: why }) => type === 'PodScheduled' && why === 'SchedulingGated') === true)
    reason = 'SchedulingGated'

  const initReason = initState(status?.initContainerStatuses ?? [], sidecars, counts)
  const initialized = status?.conditions?.some(({ type, status: value }) => type === 'Initialized' && value === 'True') === true
  if (initReason !== undefined) reason = initReason
  if (initReason === undefined || initialized) {
    counts.restarts = counts.sidecarRestarts
    counts.lastRestart = counts.lastSidecarRestart
    reason = containerState(pod, reason, counts)
  }
  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (status?.reason === 'NodeLost') reason = 'Unknown'
    else if (!isTerminal(status?.phase)) reason = 'Terminating'
  }
  const ago = counts.restarts > 0 && counts.lastRestart !== '' ? ` (${ageOf(counts.lastRestart, now)} ago)` : ''
  return { ready: `${counts.ready}/${counts.total}`, status: reason, restarts: `${counts.restarts}${ago}` }
}

const isTerminal = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed'

interface Counts {
  ready: number
  total: number
  restarts: number
  sidecarRestarts: number
  lastRestart: string
  lastSidecarRestart: string
}

const later = (a: string, b: string | undefined): string => (b !== undefined && b > a ? b : a)

/** The state while init containers run; undefined when all are done (or are sidecars that have started). */
function initState(statuses: readonly core.ContainerStatus[], sidecars: ReadonlyMap<string, boolean>, counts: Counts): string | undefined {
  for (const [i, container] of statuses.entries()) {
    const isSidecar = sidecars.get(container.name) === true
    const restarted = container.lastState?.terminated?.finishedAt
    counts.restarts += container.restartCount
    counts.lastRestart = later(counts.lastRestart, restarted ?? undefined)
    if (isSidecar) {
      counts.sidecarRestarts += container.restartCount
      counts.lastSidecarRestart = later(counts.lastSidecarRestart, restarted ?? undefined)
    }
    const { terminated, waiting } = container.state ?? {}
    if (terminated !== undefined && terminated.exitCode === 0) continue
    if (isSidecar && container.started === true) {
      if (container.ready) counts.ready++
      continue
    }
    if (terminated !== undefined) return `Init:${terminatedReason(terminated)}`
    if (waiting?.reason !== undefined && waiting.reason !== '' && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`
    return `Init:${i}/${sidecars.size}`
  }
  return undefined
}

function terminatedReason(terminated: core.ContainerStateTerminated): string {
  if (terminated.reason !== undefined && terminated.reason !== '') return terminated.reason
  return (terminated.signal ?? 0) !== 0 ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`
}

function containerState(pod: core.Pod, before: string, counts: Counts): string {
  let reason = before
  let running = false
  for (const container of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    counts.restarts += container.restartCount
    counts.lastRestart = later(counts.lastRestart, container.lastState?.terminated?.finishedAt ?? undefined)
    const { waiting, terminated } = container.state ?? {}
    if (waiting?.reason !== undefined && waiting.reason !== '') reason = waiting.reason
    else if (terminated !== undefined) reason = terminatedReason(terminated)
    else if (container.ready && container.state?.running !== undefined) {
      running = true
      counts.ready++
    }
  }
  if (reason !== 'Completed' || !running) return reason
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
  return isReady ? 'Running' : 'NotReady'
}

/** Gates that are open, of those that there are. */
export function readinessGates(pod: core.Pod): string {
  const gates = pod.spec?.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const open = gates.filter(
    ({ conditionType }) => pod.status?.conditions?.some(({ type, status }) => type === conditionType && status === 'True') === true,
  )
  return `${open.length}/${gates.length}`
}

export const orNone = (text: string | undefined): string => (text === undefined || text === '' ? '<none>' : text)
