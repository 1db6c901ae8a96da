import type { core } from '#api'
import type { ContainerStatus, SandboxStatus } from '../../cri/runtime.ts'

/** All that a pod's next step depends on, at one moment. Plans and statuses are pure functions of it. */
export interface PodSnapshot {
  /** As last seen from the API, or as last seen before it vanished from there. */
  readonly pod: core.Pod
  /** The pod is no longer in the API: everything of it is to go. */
  readonly vanished: boolean
  readonly now: number
  /** How far the clock was set back since the agent looks after the pod: what the runtime noted before may lie in the future. */
  readonly setBackMs: number
  /** Newest first. */
  readonly sandboxes: readonly SandboxStatus[]
  /** Of all sandboxes of the pod, newest first. Of one that ends, as events tell of them, unless its sandbox is waited for. */
  readonly containers: readonly ContainerView[]
  /** Something is being started in its sandbox, or it has what others may ask for, or may keep processes: the pod is over only when that is stopped. */
  readonly needsSandboxStopped: boolean
  /** A sandbox or container is being made or started right now. */
  readonly isStarting: boolean
  readonly memory: PodMemory
}

export interface ContainerView extends ContainerStatus {
  readonly sandboxId: string
}

/** The last run of a container, in whichever sandbox it was. */
export const newestRun = ({ containers }: Pick<PodSnapshot, 'containers'>, name: string): ContainerView | undefined =>
  containers.find((run) => run.name === name)

/** What the runtime does not know. Lost with the agent, and found out again. */
export interface PodMemory {
  /** When the agent first saw the pod, unless the API has an earlier start time. */
  readonly startedAtMs: number
  /** Why the pod is to end before its time. Stays once set. */
  readonly ended: Ended | undefined
  /** By container id. */
  readonly probes: ReadonlyMap<string, ProbeResults>
  /** Containers, by id, whose postStart hook has not ended yet. */
  readonly starting: ReadonlySet<string>
  /** By container name: why it could not be started last time, and from when it may be tried again. */
  readonly failures: ReadonlyMap<string, StartFailure>
  /** By container name. */
  readonly backoffs: ReadonlyMap<string, Backoff>
  readonly sandboxFailure: StartFailure | undefined
  readonly stoppedSandboxes: ReadonlySet<string>
  readonly volumesReleased: boolean
  readonly cgroupRemoved: boolean
  readonly deletionConfirmed: boolean
  /** By container id: the resources that it runs with. */
  readonly actuated: ReadonlyMap<string, core.ResourceRequirements>
  /** The resources of the pod as a whole that its cgroup was made for; undefined while there is none. */
  readonly actuatedPod: core.ResourceRequirements | undefined
  readonly resize: Resize
  /** Containers, by id, that were ended to be started anew: what is between is nobody's concern unless it lasts. */
  readonly replacing: ReadonlySet<string>
  /** Containers, by id, that are being stopped and whose processes have ended: the runtime has still to put that down. */
  readonly exiting: ReadonlySet<string>
  /** When killing began; graces count from here. */
  readonly endingSinceMs: number | undefined
}

/** What is under way of a change of resources. Each remembers the generation of the pod that asked for it. */
export interface Resize {
  /** The node has no room for it now. */
  readonly pending?: { readonly reason: string; readonly message: string; readonly generation: number } | undefined
  readonly inProgress?: { readonly generation: number; readonly error?: string; readonly retryAtMs?: number } | undefined
}

export interface Ended {
  readonly reason: string
  readonly message: string
  readonly graceSeconds: number | undefined
  /** Written as a DisruptionTarget condition with this reason. */
  readonly disruption?: string
}

export type ProbeResult = 'success' | 'failure' | 'unknown'
export interface ProbeResults {
  readonly startup: ProbeResult
  readonly readiness: ProbeResult
  readonly liveness: ProbeResult
}

export interface StartFailure {
  readonly reason: string
  readonly message: string
  readonly atMs: number
  readonly retryAtMs: number
  readonly failures: number
}

export interface Backoff {
  readonly delayMs: number
  readonly updatedAtMs: number
}
