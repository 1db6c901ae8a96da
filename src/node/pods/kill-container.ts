import { type Scope, isCancelled, messageOf } from '#base'
import type { Action } from './plan/action.ts'
import { findContainer } from './pod-facts.ts'
import type { PodSubject } from './pod-subject.ts'

/** What a preStop hook (or an earlier container) leaves of the grace is never less than this. */
const SHORTEST_GRACE_SECONDS = 2

/** preStop hook (and meanwhile whoever is to leave the pod alone leaves it alone), then the stop signal, then the kill, all within the grace. */
export async function killContainer(scope: Scope, worker: PodSubject, action: Extract<Action, { type: 'kill-container' }>): Promise<void> {
  const { services, pod, memory, state } = worker
  const { id, name, message } = action
  const fresh = !memory.killing.has(id)
  memory.killing.add(id)
  if (memory.endingSinceMs === undefined) memory.replacing.add(id)
  if (fresh) services.events.record(pod, 'Normal', 'Killing', message, name)
  services.probes.ending(id)
  const alreadyMs = action.sinceMs === undefined ? 0 : scope.clock.now() - action.sinceMs
  const beganMs = scope.clock.monotonic() - alreadyMs
  const left = (): number => {
    if (action.graceSeconds === 0) return 0
    return Math.max(action.graceSeconds - Math.floor((scope.clock.monotonic() - beganMs) / 1000), SHORTEST_GRACE_SECONDS)
  }
  const container = findContainer(pod, name)
  const hook = container?.lifecycle?.preStop
  const running = state.containers.find((one) => one.id === id)?.state === 'running'
  if (fresh && running && action.graceSeconds > 0) {
    using limited = scope.child({ timeoutMs: left() * 1000 })
    const runHook = async (): Promise<void> => {
      if (container === undefined || hook === undefined) return
      try {
        await services.hooks.run(limited, pod, container, id, worker.podIps[0] ?? '', hook)
      } catch (error) {
        scope.check()
        if (!isCancelled(error)) scope.log.info('a preStop hook failed', { container: name, error: messageOf(error) })
        services.events.record(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', name)
      }
    }
    await Promise.all([runHook(), leftAlone(limited, scope, worker)])
  }
  try {
    await services.runtime.stopContainer(scope, id, left())
    await state.readAfterExit(scope, id)
    memory.killing.delete(id)
  } finally {
    memory.exiting.delete(id)
  }
}

/** Only a pod that is deleted leaves its Services; of the grace at most half is for them. */
async function leftAlone(limited: Scope, scope: Scope, { services, pod, podIps }: PodSubject): Promise<void> {
  if (pod.metadata?.deletionTimestamp === undefined || pod.spec?.hostNetwork === true || podIps.length === 0) return
  using half = limited.child({ timeoutMs: ((pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000) / 2 })
  try {
    await services.network.drain(half, pod, podIps)
  } catch {
    scope.check()
  }
}
