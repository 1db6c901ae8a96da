import type { Scope } from '#base'
import type { core } from '#api'
import type { Backoff, Ended, ProbeResults, Resize, StartFailure } from './plan/snapshot.ts'
import type { RuntimeState } from './runtime-state.ts'
import type { PodServices } from './services.ts'
import type { VolumeUpkeep } from './volume-upkeep.ts'

/** A pod as the actions see it. */
export interface PodSubject {
  /** Of the pod's whole life here; actions that are broken off get one of their own. */
  readonly scope: Scope
  readonly services: PodServices
  readonly state: RuntimeState
  readonly memory: WorkingMemory
  readonly pod: core.Pod
  readonly podIps: readonly string[]
  readonly upkeep: VolumeUpkeep
  /** The wall clock, for what is noted in `memory`: should the clock have been set since, what stands there has moved with it. */
  now(): number
  /** Ends the pod before its time. */
  end(ended: Ended): void
}

/** The writable side of `PodMemory`. */
export interface WorkingMemory {
  startedAtMs: number
  ended: Ended | undefined
  readonly probes: Map<string, ProbeResults>
  readonly starting: Set<string>
  /** Containers being stopped: their hook and event are not repeated when the grace is shortened. */
  readonly killing: Set<string>
  readonly exiting: Set<string>
  readonly failures: Map<string, StartFailure>
  readonly backoffs: Map<string, Backoff>
  sandboxFailure: StartFailure | undefined
  readonly stoppedSandboxes: Set<string>
  volumesReleased: boolean
  cgroupRemoved: boolean
  deletionConfirmed: boolean
  readonly actuated: Map<string, core.ResourceRequirements>
  actuatedPod: core.ResourceRequirements | undefined
  resize: Resize
  readonly replacing: Set<string>
  endingSinceMs: number | undefined
}
