import type { core } from '#api'
import { type PodSnapshot, newestRun } from '../plan/snapshot.ts'
import { initContainersOf, isSidecar, mainContainersOf, toldStatusOf } from '../pod-facts.ts'

/** There is a run of it, or there was one as far as anybody was told. */
function hasBegun(snapshot: PodSnapshot, name: string): boolean {
  const { state, lastState } = toldStatusOf(snapshot.pod, name) ?? {}
  return (newestRun(snapshot, name) ?? state?.running ?? state?.terminated ?? lastState?.terminated) !== undefined
}

/** Its init containers have done their work, or a container that waits for them has begun all the same. */
function isInitialized(snapshot: PodSnapshot): boolean {
  const { pod } = snapshot
  const last = initContainersOf(pod).at(-1)
  if (last === undefined || mainContainersOf(pod).some(({ name }) => hasBegun(snapshot, name))) return true
  const told = toldStatusOf(pod, last.name)
  if (isSidecar(pod, last)) return told?.state?.running !== undefined && told.started === true
  const run = newestRun(snapshot, last.name)
  return (
    (run?.state === 'exited' && run.exitCode === 0) || (told?.state?.terminated?.exitCode ?? told?.lastState?.terminated?.exitCode) === 0
  )
}

/**
 * Of a pod that is over, a container without runs: it counts as lost when it may have begun. Containers that waited for init containers which never
 * ended well have not, nor have init containers after the last that began.
 */
export function isLost(snapshot: PodSnapshot, container: core.Container): boolean {
  const inits = initContainersOf(snapshot.pod)
  const place = inits.findIndex(({ name }) => name === container.name)
  if (place < 0) return isInitialized(snapshot)
  return place === 0 || inits.slice(place).some(({ name }) => hasBegun(snapshot, name))
}
