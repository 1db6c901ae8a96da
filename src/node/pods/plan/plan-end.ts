import { initContainersOf, isSidecar } from '../pod-facts.ts'
import type { Ending } from './ending.ts'
import type { Action, Plan } from './action.ts'
import type { PodSnapshot } from './snapshot.ts'

/** Past it a start hangs, and the pod goes as well as it can. */
const STARTED_WITHIN_MS = 60_000

/**
 * Takes a pod down: main containers at once, then sidecars in the reverse of their order, then the sandbox and volumes. The
 * deletion is confirmed when nothing of the pod acts any more and nobody can miss what is left of it; that is removed after, its cgroup last. A finished pod
 * keeps its dead containers for their logs.
 */
export function planEnd(snapshot: PodSnapshot, ending: Ending): Plan {
  const { pod, sandboxes, containers, memory, now } = snapshot
  const plan = (...actions: Action[]): Plan => ({ actions, waiting: new Map(), wakeAtMs: undefined })
  const kill = (id: string, name: string, sinceMs?: number): Action => ({
    type: 'kill-container',
    id,
    name,
    graceSeconds: ending.graceSeconds,
    sinceMs,
    message: `Stopping container ${name}`,
  })

  const sidecars = initContainersOf(pod)
    .filter((container) => isSidecar(pod, container))
    .map(({ name }) => name)
  const running = containers.filter(({ state }) => state === 'running' || state === 'unknown')
  const live = running.filter(({ id }) => !memory.exiting.has(id))
  const main = live.filter(({ name }) => !sidecars.includes(name))
  if (main.length > 0) return plan(...main.map(({ id, name }) => kill(id, name)))

  if (live.length > 0) {
    const last = live.toSorted((a, b) => sidecars.indexOf(b.name) - sidecars.indexOf(a.name))[0]
    return plan(...(last === undefined ? [] : [kill(last.id, last.name, memory.endingSinceMs ?? now)]))
  }

  // What is being started is there soon, and ended then: its sandbox and volumes are not taken from under it.
  const startsUntilMs = (memory.endingSinceMs ?? now) + STARTED_WITHIN_MS
  if (snapshot.isStarting && now < startsUntilMs) return { actions: [], waiting: new Map(), wakeAtMs: startsUntilMs }

  const release: Action[] = memory.volumesReleased ? [] : [{ type: 'release-volumes' }]
  const stop = sandboxes.filter(({ id }) => !memory.stoppedSandboxes.has(id)).map(({ id }): Action => ({ type: 'stop-sandbox', id }))
  // Nothing of the pod acts any more. Kills are named until the runtime has put down how they ended.
  if (running.length > 0) return plan(...stop, ...running.map(({ id, name }) => kill(id, name, memory.endingSinceMs ?? now)))
  if (release.length > 0 || (snapshot.needsSandboxStopped && stop.length > 0)) return plan(...stop, ...release)
  if (ending.kind === 'deleted' && !memory.deletionConfirmed) return plan(...stop, { type: 'confirm-deletion' })
  // Nothing is removed while it is still being stopped.
  if (stop.length + memory.exiting.size > 0) return plan(...stop)
  const leaving = ending.kind === 'deleted' || ending.kind === 'vanished'
  if (leaving && containers.length > 0) return plan(...containers.map(({ id }): Action => ({ type: 'remove-container', id })))
  if (leaving && sandboxes.length > 0) return plan(...sandboxes.map(({ id }): Action => ({ type: 'remove-sandbox', id })))
  return memory.cgroupRemoved ? plan() : plan({ type: 'remove-cgroup' })
}
