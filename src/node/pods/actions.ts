import type { Scope } from '#base'
import { killContainer } from './kill-container.ts'
import type { Action } from './plan/action.ts'
import type { PodSubject } from './pod-subject.ts'
import { resizePod } from './resize/resize-pod.ts'
import { runSandbox } from './run-sandbox.ts'
import { startContainer } from './start-container.ts'

/** Does one step. What is learnt goes into the worker's state and memory; the worker plans again afterwards. */
export async function carryOut(scope: Scope, worker: PodSubject, action: Action): Promise<void> {
  const { services, state, memory } = worker
  switch (action.type) {
    case 'run-sandbox':
      return runSandbox(scope, worker, action)
    case 'start-container':
      return startContainer(scope, worker, action)
    case 'kill-container':
      return killContainer(scope, worker, action)
    case 'resize':
      return resizePod(scope, worker, action)
    case 'remove-container':
      await services.runtime.removeContainer(scope, action.id)
      memory.actuated.delete(action.id)
      memory.replacing.delete(action.id)
      return state.removed(action.id)
    case 'stop-sandbox':
      await services.runtime.stopPodSandbox(scope, action.id)
      memory.stoppedSandboxes.add(action.id)
      await state.readSandbox(scope, action.id)
      return
    case 'remove-sandbox':
      await services.runtime.removePodSandbox(scope, action.id)
      return state.removed(action.id)
    case 'release-volumes':
      await worker.upkeep.end()
      await services.volumes.release(scope, worker.pod)
      await services.resources.release(scope, worker.pod)
      memory.volumesReleased = true
      return
    case 'remove-cgroup':
      await services.cgroups.remove(scope, worker.pod)
      memory.cgroupRemoved = true
      return
    case 'confirm-deletion':
      await services.api.confirmDeletion(scope, worker.pod)
      memory.deletionConfirmed = true
      return
    default:
      return action satisfies never
  }
}
