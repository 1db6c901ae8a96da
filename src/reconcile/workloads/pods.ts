import type { core } from '#api'

/** What workload controllers ask of a pod. */

export function podCondition(pod: core.Pod, type: string): core.PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type)
}

/** Its conditions with the one by which everybody sees that it is taken away, and why. `now` is RFC 3339. */
export function disrupted(
  { metadata, status }: core.Pod,
  why: { readonly reason: string; readonly message: string },
  now: string,
): readonly core.PodCondition[] {
  const generation = metadata?.generation === undefined ? {} : { observedGeneration: metadata.generation }
  const condition = { type: 'DisruptionTarget', status: 'True', ...why, ...generation, lastTransitionTime: now }
  return [...(status?.conditions ?? []).filter(({ type }) => type !== condition.type), condition]
}

export function isReady(pod: core.Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True'
}

export function isFinished(pod: core.Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

export function isTerminating(pod: core.Pod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined
}

export function isActive(pod: core.Pod): boolean {
  return !isFinished(pod) && !isTerminating(pod)
}

/** Milliseconds until a ready pod counts as available: 0 when it does; undefined when it is not ready. */
export function availableInMs(pod: core.Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return undefined
  if (minReadySeconds === 0) return 0
  const sinceMs = Date.parse(ready.lastTransitionTime ?? '')
  if (Number.isNaN(sinceMs)) return undefined
  return Math.max(0, sinceMs + minReadySeconds * 1000 - nowMs)
}

export function isAvailable(pod: core.Pod, minReadySeconds: number, nowMs: number): boolean {
  return availableInMs(pod, minReadySeconds, nowMs) === 0
}

/** The soonest moment at which one of the ready pods becomes available; undefined when none waits for that. */
export function nextAvailableInMs(pods: readonly core.Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  let soonest: number | undefined
  for (const pod of pods) {
    const inMs = availableInMs(pod, minReadySeconds, nowMs)
    if (inMs !== undefined && inMs > 0 && (soonest === undefined || inMs < soonest)) soonest = inMs
  }
  return soonest
}

/** Counts are left out of a status when they are zero. */
export function unlessZero(count: number): number | undefined {
  return count === 0 ? undefined : count
}
