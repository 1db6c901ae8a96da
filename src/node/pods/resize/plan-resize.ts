import type { core } from '#api'
import { withPodLimits } from '../../containers/resources.ts'
import { type ContainerView, type PodSnapshot, newestRun } from '../plan/snapshot.ts'
import { type Resources, changedResources, resizableContainersOf, sameResources } from './allocation.ts'

export interface ResizePlan {
  /** Running containers whose limits are to be set anew. */
  readonly updates: readonly { readonly id: string; readonly name: string }[]
  /** The pod's own limits are to be set anew. */
  readonly whole: boolean
  /** Those that asked to be restarted for it. */
  readonly restarts: readonly ContainerView[]
}

/** What it takes to bring the running containers of a pod to what was granted. A pure function of the snapshot. */
export function planResize(snapshot: PodSnapshot): ResizePlan {
  const { pod, memory } = snapshot
  const updates: { id: string; name: string }[] = []
  const restarts: ContainerView[] = []
  for (const container of resizableContainersOf(pod)) {
    const running = newestRun(snapshot, container.name)
    const actual = running?.state === 'running' ? memory.actuated.get(running.id) : undefined
    if (running === undefined || actual === undefined) continue
    const changed = changedResources(actual, withPodLimits(container.resources, pod.spec?.resources))
    if (changed.length === 0) continue
    if (changed.some((name) => needsRestart(container, name))) restarts.push(running)
    else updates.push({ id: running.id, name: container.name })
  }
  const whole = memory.actuatedPod !== undefined && !sameResources(memory.actuatedPod, pod.spec?.resources ?? {})
  return { updates, restarts, whole }
}

const needsRestart = (container: core.Container, resource: string): boolean =>
  container.resizePolicy?.some(({ resourceName, restartPolicy }) => resourceName === resource && restartPolicy === 'RestartContainer') ===
  true

/** What a pod asks for, as the Events about its resizing tell it. */
export function resizeMessage(pod: core.Pod, what: string, generation: number, error?: string): string {
  const summary = (list: readonly core.Container[] | undefined): { name: string; resources: Resources }[] =>
    (list ?? []).map(({ name, resources = {} }) => ({ name, resources }))
  const init = summary(pod.spec?.initContainers)
  const main = summary(pod.spec?.containers)
  return `${what}: ${JSON.stringify({
    ...(init.length === 0 ? {} : { initContainers: init }),
    ...(main.length === 0 ? {} : { containers: main }),
    generation,
    ...(error === undefined ? {} : { error }),
  })}`
}

/** Every running container has what the pod was granted. */
export function isResized(snapshot: PodSnapshot): boolean {
  const { updates, restarts, whole } = planResize(snapshot)
  return updates.length === 0 && restarts.length === 0 && !whole
}
