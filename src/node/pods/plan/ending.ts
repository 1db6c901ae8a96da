import type { core } from '#api'
import { findContainer, graceOf, initContainersOf, isSidecar, mainContainersOf, specOf } from '../pod-facts.ts'
import { restartsAfter } from './restart.ts'
import { awaitsRestartOfAll, isRestartingAll } from './restart-all.ts'
import { type ContainerView, type PodSnapshot, newestRun } from './snapshot.ts'

/** Why a pod is to be taken down, and how long its processes get. */
export interface Ending {
  readonly kind: 'vanished' | 'deleted' | 'ended' | 'finished'
  readonly graceSeconds: number
  readonly reason?: string
  readonly message?: string
}

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

export const DEADLINE_EXCEEDED = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
} as const

/** Undefined while the pod is to go on. */
export function endingOf(snapshot: PodSnapshot): Ending | undefined {
  const { pod, memory, now } = snapshot
  const grace = graceOf(pod)
  if (snapshot.vanished) return { kind: 'vanished', graceSeconds: Math.min(pod.metadata?.deletionGracePeriodSeconds ?? grace, grace) }
  if (pod.metadata?.deletionTimestamp !== undefined) {
    // An earlier end with a shorter grace is not prolonged by the deletion.
    return {
      kind: 'deleted',
      graceSeconds: Math.min(pod.metadata.deletionGracePeriodSeconds ?? grace, memory.ended?.graceSeconds ?? Number.POSITIVE_INFINITY),
    }
  }
  if (memory.ended !== undefined)
    return { kind: 'ended', graceSeconds: memory.ended.graceSeconds ?? grace, reason: memory.ended.reason, message: memory.ended.message }
  if (isDone(pod.status?.phase)) return { kind: 'finished', graceSeconds: grace }
  const { activeDeadlineSeconds } = specOf(pod)
  if (activeDeadlineSeconds !== undefined && now >= memory.startedAtMs + activeDeadlineSeconds * 1000)
    return { kind: 'ended', graceSeconds: grace, ...DEADLINE_EXCEEDED }
  return isDone(phaseByContainers(snapshot)) ? { kind: 'finished', graceSeconds: grace } : undefined
}

export const isDone = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed'

/** The phase that follows from the containers, and from what was told of those that the runtime has no more. */
export function phaseByContainers(snapshot: PodSnapshot): Phase {
  const { pod } = snapshot
  if (isRestartingAll(snapshot)) return pod.status?.phase === 'Pending' ? 'Pending' : 'Running'
  const newest = (name: string): ContainerView | undefined => newestRun(snapshot, name)
  const main = mainContainersOf(pod).map(({ name }) => newest(name))
  if (main.every((status) => status === undefined)) {
    const failed = initContainersOf(pod).some((container) => {
      const status = newest(container.name)
      return (
        status?.state === 'exited' && status.exitCode !== 0 && !isSidecar(pod, container) && !restartsAfter(pod, container, status.exitCode)
      )
    })
    const isBetween =
      mainContainersOf(pod).every(({ name }) => awaitsRestartOfAll(snapshot, name)) &&
      initContainersOf(pod).every((container) => newest(container.name)?.state !== 'running' || isSidecar(pod, container))
    if (failed) return 'Failed'
    return isBetween && pod.status?.phase === 'Running' ? 'Running' : 'Pending'
  }
  const hasToBegin = mainContainersOf(pod).some(({ name }) => {
    const status = newest(name)
    if (status === undefined) return !awaitsRestartOfAll(snapshot, name)
    return (status.state === 'created' && status.attempt === 0) || snapshot.memory.starting.has(status.id)
  })
  if (hasToBegin) return 'Pending'
  const ended = main.flatMap((status) => (status?.state === 'exited' ? [status] : []))
  if (ended.length < main.length || ended.some((status) => willRestart(pod, status))) return 'Running'
  return ended.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed'
}

function willRestart(pod: core.Pod, status: ContainerView): boolean {
  const container = findContainer(pod, status.name)
  return container !== undefined && restartsAfter(pod, container, status.exitCode)
}
