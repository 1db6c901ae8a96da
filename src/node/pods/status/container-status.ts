import { rfc3339 } from '#base'
import type { core } from '#api'
import type { Plan } from '../plan/action.ts'
import { hasStarted } from '../plan/plan-pod.ts'
import { RESTARTING_ALL, isToldToRestart } from '../plan/restart-all.ts'
import type { ContainerView, PodSnapshot } from '../plan/snapshot.ts'
import { type AnyContainer, initContainersOf, isSidecar, toldStatusOf } from '../pod-facts.ts'
import { isLost } from './initialized.ts'

const LOST = { reason: 'ContainerStatusUnknown', exitCode: 137 } as const
const LOST_ON_TERMINATION = {
  terminated: {
    ...LOST,
    message: 'The container could not be located when the pod was terminated',
    startedAt: null,
    finishedAt: null,
  } as core.ContainerStateTerminated,
}

/** What is told of a container whose run was removed to start it anew with all others. */
const { reason, message, exitCode } = RESTARTING_ALL
const TAKEN_AWAY = {
  state: { waiting: { reason, message } },
  lastState: { terminated: { reason, message, exitCode, startedAt: null, finishedAt: null } as core.ContainerStateTerminated },
}

export interface StatusContext {
  readonly snapshot: PodSnapshot
  readonly plan: Plan
  /** The pod will not run again: what never started is reported as ended. */
  readonly over: boolean
  readonly recursiveReadOnlyMounts: boolean
  readonly healthOf?: ((container: string) => readonly core.ResourceStatus[]) | undefined
}

/** The status of one container, from its runs (newest first), what the plan says it waits for, and what the API was told before. */
export function containerStatus(context: StatusContext, container: AnyContainer): core.ContainerStatus {
  const { snapshot, plan } = context
  const [current, previous] = snapshot.containers.filter(({ name }) => name === container.name)
  const told = toldStatusOf(snapshot.pod, container.name)
  const health = context.healthOf?.(container.name) ?? []
  const common = {
    ...(health.length === 0 ? {} : { allocatedResourcesStatus: [...health] }),
    name: container.name,
    ...resourcesOf(container, current && snapshot.memory.actuated.get(current.id)),
    ...volumeMountsOf(container, context.recursiveReadOnlyMounts),
  }
  if (current === undefined) return { ...common, ...withoutRuns(context, container, told) }

  const waiting = plan.waiting.get(container.name)
  const started = hasStarted(snapshot, container, current)
  const state = stateOf(context, current, waiting)
  const last = state.waiting !== undefined && current.state === 'exited' ? current : previous
  const isPlainInit = initContainersOf(snapshot.pod).includes(container) && !isSidecar(snapshot.pod, container)
  const readiness = container.readinessProbe === undefined ? 'success' : snapshot.memory.probes.get(current.id)?.readiness
  return {
    ...common,
    state,
    lastState: last?.state === 'exited' ? { terminated: terminatedOf(last) } : lastToldOf(told, idOf(current)),
    ready: isPlainInit ? current.state === 'exited' && current.exitCode === 0 : started && readiness === 'success',
    restartCount: current.attempt,
    image: current.image === '' || current.image.startsWith('sha256:') ? (container.image ?? '') : current.image,
    imageID: current.imageRef,
    containerID: idOf(current),
    started,
    ...(current.user && {
      user: { linux: { uid: current.user.uid, gid: current.user.gid, supplementalGroups: [...current.user.supplementalGroups] } },
    }),
  }
}

/** How the run before this one ended, when the runtime has forgotten it. */
function lastToldOf(told: core.ContainerStatus | undefined, id: string): core.ContainerState {
  if (told?.containerID !== undefined && told.containerID !== id)
    return told.state?.terminated === undefined ? {} : { terminated: told.state.terminated }
  return told?.lastState ?? {}
}

export const idOf = (container: ContainerView): string => `containerd://${container.id}`

function stateOf(
  context: StatusContext,
  current: ContainerView,
  waiting: { reason: string; message: string } | undefined,
): core.ContainerState {
  switch (current.state) {
    case 'running':
      if (context.snapshot.memory.starting.has(current.id)) return { waiting: { reason: 'ContainerCreating' } }
      return { running: { startedAt: rfc3339(current.startedAtMs) } }
    case 'exited':
      return waiting !== undefined && !context.over ? { waiting: shown(waiting) } : { terminated: terminatedOf(current) }
    case 'created':
      return { waiting: waiting === undefined ? { reason: 'ContainerCreating' } : shown(waiting) }
    case 'unknown':
      return {
        terminated: { ...LOST, message: 'The container could not be located when the pod was deleted.  The container used to be Running' },
      }
    default:
      return current.state satisfies never
  }
}

const shown = ({ reason, message }: { reason: string; message: string }): core.ContainerStateWaiting =>
  message === '' ? { reason } : { reason, message }

export function terminatedOf(run: ContainerView): core.ContainerStateTerminated {
  return {
    exitCode: run.exitCode,
    reason: run.reason === '' ? (run.exitCode === 0 ? 'Completed' : 'Error') : run.reason,
    ...(run.message === '' ? {} : { message: run.message }),
    startedAt: run.startedAtMs === 0 ? null : rfc3339(run.startedAtMs),
    finishedAt: run.finishedAtMs === 0 ? null : rfc3339(run.finishedAtMs),
    containerID: idOf(run),
  } as core.ContainerStateTerminated
}

/** The runtime has no run of it: it has not begun, or what was known has been cleaned away. */
function withoutRuns(
  context: StatusContext,
  container: AnyContainer,
  told: core.ContainerStatus | undefined,
): Omit<core.ContainerStatus, 'name'> {
  const { snapshot, plan, over } = context
  const isTaken = !over && told !== undefined && isTakenAway(snapshot, told)
  if (!isTaken && told?.containerID !== undefined && (told.state?.terminated !== undefined || over)) {
    const { name: _, ...kept } = told
    const ended = told.state?.terminated !== undefined
    return {
      ...kept,
      ready: false,
      started: false,
      ...(ended ? {} : { state: LOST_ON_TERMINATION }),
    }
  }
  const common = {
    lastState: told?.lastState ?? {},
    ready: false,
    restartCount: told?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: '',
    started: false,
  }
  if (isTaken) return { ...common, ...TAKEN_AWAY, restartCount: common.restartCount + 1 }
  if (over && isLost(snapshot, container)) return { ...common, state: LOST_ON_TERMINATION }
  const waiting = plan.waiting.get(container.name)
  if (waiting !== undefined) return { ...common, state: { waiting: shown(waiting) } }
  return { ...common, state: { waiting: { reason: initContainersOf(snapshot.pod).length > 0 ? 'PodInitializing' : 'ContainerCreating' } } }
}

/** It had run, and was removed to be started anew with all others. */
const isTakenAway = ({ pod }: PodSnapshot, told: core.ContainerStatus): boolean =>
  (told.state?.running ?? told.state?.terminated) !== undefined && isToldToRestart(pod)

/** What it was granted, and what it has: the two differ while it is being resized. */
function resourcesOf(container: AnyContainer, actuated: core.ResourceRequirements | undefined): Partial<core.ContainerStatus> {
  const granted = container.resources?.requests
  const { requests, limits: effective } = actuated ?? container.resources ?? {}
  const own = Object.entries(effective ?? {}).filter(([name]) => container.resources?.limits?.[name] !== undefined)
  const limits = own.length === 0 ? undefined : Object.fromEntries(own)
  return {
    ...(granted && Object.keys(granted).length > 0 ? { allocatedResources: granted } : {}),
    resources: { ...(limits && { limits }), ...(requests && { requests }) },
  }
}

function volumeMountsOf(container: AnyContainer, canBeRecursive: boolean): Partial<core.ContainerStatus> {
  const mounts = container.volumeMounts ?? []
  if (mounts.length === 0) return {}
  return {
    volumeMounts: mounts.map((mount) => ({
      name: mount.name,
      mountPath: mount.mountPath,
      ...(mount.readOnly === true
        ? {
            readOnly: true,
            recursiveReadOnly:
              mount.recursiveReadOnly === 'Enabled' || (mount.recursiveReadOnly === 'IfPossible' && canBeRecursive)
                ? 'Enabled'
                : 'Disabled',
          }
        : {}),
    })),
  }
}
