import type { core } from '#api'
import { initContainersOf, mainContainersOf, toldStatusOf } from '../pod-facts.ts'
import type { Action } from './action.ts'
import { restartsAfter, ruleFor } from './restart.ts'
import { type ContainerView, type PodSnapshot, newestRun } from './snapshot.ts'

/** Says of a pod that all its containers are being started anew, and, while one waits for that, why its last run ended. */
export const RESTARTING_ALL = {
  condition: 'AllContainersRestarting',
  reason: 'RestartingAllContainers',
  message: 'The container is removed because RestartAllContainers in place',
  exitCode: 137,
} as const

const containersOf = (pod: core.Pod): readonly core.Container[] => [...mainContainersOf(pod), ...initContainersOf(pod)]

/** A rule of one of its containers may have all of them started anew. */
export const canRestartAll = (pod: core.Pod): boolean =>
  containersOf(pod).some(({ restartPolicyRules }) => restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers') === true)

/**
 * One of the containers has ended in the way for which its rule wants all of them started anew, in the same sandbox and with the same volumes.
 * It lasts until the runtime has no run of any of them: what was told of the pod says so when an agent was away meanwhile.
 */
export function isRestartingAll(snapshot: PodSnapshot): boolean {
  const { pod } = snapshot
  if (!canRestartAll(pod) || runsOf(snapshot, containersOf(pod)).length === 0) return false
  if (isToldToRestart(pod)) return true
  if (!containersOf(pod).some(({ name }) => wantsAll(pod, newestRun(snapshot, name)))) return false
  // What ends when its pod is over restarts nothing.
  return !mainContainersOf(pod).every((container) => {
    const run = newestRun(snapshot, container.name)
    return run?.state === 'exited' && !restartsAfter(pod, container, run.exitCode)
  })
}

/** Ends and removes all runs, whatever their restart policies: those that wanted it last, so that their exit codes stay to be seen until the others are gone. */
export function planRestartAll(snapshot: PodSnapshot): readonly Action[] {
  const { pod, memory } = snapshot
  const runs = runsOf(snapshot, containersOf(pod))
  const others = runs.filter((run) => !wantsAll(pod, run))
  return (others.length > 0 ? others : runs).flatMap((run): Action[] => {
    const isMade = run.state === 'created' || run.state === 'exited'
    if (isMade) return memory.starting.has(run.id) ? [] : [{ type: 'remove-container', id: run.id }]
    return [{ type: 'kill-container', id: run.id, name: run.name, graceSeconds: 0, message: 'killing' }]
  })
}

/** The API was told that it is under way. */
export const isToldToRestart = ({ status }: core.Pod): boolean =>
  status?.conditions?.some((one) => one.type === RESTARTING_ALL.condition && one.status === 'True') === true

/** Its run was removed to have it started anew, and it has not been since. */
export const awaitsRestartOfAll = (snapshot: PodSnapshot, name: string): boolean =>
  newestRun(snapshot, name) === undefined && toldStatusOf(snapshot.pod, name)?.lastState?.terminated?.reason === RESTARTING_ALL.reason

const runsOf = ({ containers }: PodSnapshot, of: readonly core.Container[]): readonly ContainerView[] =>
  of.flatMap(({ name }) => containers.filter((run) => run.name === name))

function wantsAll(pod: core.Pod, run: ContainerView | undefined): boolean {
  const container = containersOf(pod).find(({ name }) => name === run?.name)
  return run?.state === 'exited' && container !== undefined && ruleFor(container, run.exitCode)?.action === 'RestartAllContainers'
}
