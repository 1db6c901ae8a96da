import type { Scope } from '#base'
import type { core } from '#api'
import type { Placement } from '../alignment/provider.ts'
import type { ContainerRuntime, Device, Image, Mount, RuntimeHandler, UserMapping } from '../cri/runtime.ts'
import type { PodResources } from '../devices/container-extras.ts'
import type { ObjectSource } from '../objects.ts'
import type { NodeSettings } from '../settings.ts'
import type { ProbeResults } from './plan/snapshot.ts'
import type { AnyContainer } from './pod-facts.ts'
import type { StartTally } from '../server/start-tally.ts'

/** What pod workers use of the node. Each has a second implementation in tests. */
export interface PodServices {
  readonly settings: NodeSettings
  readonly runtime: ContainerRuntime
  readonly objects: ObjectSource
  readonly images: PodImages
  readonly volumes: PodVolumes
  readonly cgroups: PodCgroups
  readonly probes: PodProbes
  readonly hooks: PodHooks
  /** Devices, and what claims stand for. */
  readonly resources: PodResources
  readonly events: PodEvents
  readonly api: PodApi
  readonly network: PodNetwork
  readonly starts: StartTally
  /** Throws `PodRejected` when the node cannot take the pod beside those that it has. */
  readonly admit: (pod: core.Pod) => void
  /** Why the node cannot grant the pod what it asks for now, beside the others, instead of what it has; undefined when it can. With `Infeasible` it never will. */
  readonly refuseResize: (pod: core.Pod, granted: core.Pod) => { readonly reason: string; readonly message: string } | undefined
  /** What the runtime says that it can do for pods of a handler. */
  readonly featuresOf: (handler: string) => Omit<RuntimeHandler, 'name'>
  /** Which processors and memory of the machine a container runs on. Known once the pod's resources are prepared. */
  readonly placementOf: (pod: core.Pod, container: string) => Placement
  /** Whose users a pod's are on the node; undefined: the node's own. Known once the pod's resources are prepared. */
  readonly usersOf: (pod: core.Pod) => UserMapping | undefined
  /** Whether the runtime knows devices by their names of the Container Device Interface. */
  readonly takesCdiDevices: boolean
  /** The runtime handler of a RuntimeClass; throws `StartRefused`. */
  readonly handlerOf: (scope: Scope, pod: core.Pod) => Promise<string>
}

export interface PodImages {
  /** Looks which images of the pod are there while its sandbox is being made: `ensure` then has its answer at once. Never throws. */
  look(scope: Scope, pod: core.Pod): Promise<void>
  /** The image to run, pulled first when the policy wants that. Throws `StartRefused` with an image reason. */
  ensure(scope: Scope, pod: core.Pod, container: AnyContainer): Promise<Image>
}

export interface PodVolumes {
  /** Waits until what the volumes refer to is there; changes nothing on the node. Throws `StartRefused`. */
  resolve(scope: Scope, pod: core.Pod): Promise<void>
  /** Makes every volume of the pod. Idempotent; cheap when done before. */
  mount(scope: Scope, pod: core.Pod, podIps: readonly string[]): Promise<void>
  /** Writes the pod's /etc/hosts. */
  writeHosts(pod: core.Pod, podIps: readonly string[]): Promise<void>
  /** Makes the files of an image visible as a volume of the pod. Idempotent. */
  showImage(scope: Scope, pod: core.Pod, volume: string, image: Image): Promise<void>
  /** The container's mounts. */
  mountsOf(
    scope: Scope,
    pod: core.Pod,
    container: AnyContainer,
    environment: ReadonlyMap<string, string>,
    runtime: { readonly recursiveReadOnlyMounts: boolean },
  ): Promise<Mount[]>
  /** The block devices that the container sees as such. */
  devicesOf(scope: Scope, pod: core.Pod, container: AnyContainer): Promise<readonly Device[]>
  /** Writes changed ConfigMaps, Secrets, labels and due tokens into running pods; when to look again. */
  refresh(scope: Scope, pod: core.Pod, podIps: readonly string[]): Promise<number | undefined>
  /** Unmounts and removes everything of the pod. Idempotent. */
  release(scope: Scope, pod: core.Pod): Promise<void>
}

export interface PodCgroups {
  /** Makes (or adjusts) the pod's cgroup; its path as `cgroup_parent`. */
  ensure(pod: core.Pod): string
  /** Before containers get new limits: the pod's cgroup has room for the old and the new. `ensure` follows. */
  widen(pod: core.Pod): void
  remove(scope: Scope, pod: core.Pod): Promise<void>
}

export interface PodProbes {
  /** Begins probing a running container; `changed` is called when a result changes. Idempotent per container id. */
  start(target: ProbeTarget, changed: (results: ProbeResults) => void): void
  /** It is being ended: from here on only whether it is ready is looked at. */
  ending(containerId: string): void
  stop(containerId: string): void
}
export interface ProbeTarget {
  readonly pod: core.Pod
  readonly container: AnyContainer
  readonly containerId: string
  readonly podIp: string
  readonly startedAtMs: number
  /** It ran already when the agent came. */
  readonly adopted: boolean
  /** What is taken for true until a probe says otherwise. */
  readonly initial: ProbeResults
}

export interface PodHooks {
  /** Rejects with why the hook failed. */
  run(scope: Scope, pod: core.Pod, container: AnyContainer, containerId: string, podIp: string, hook: core.LifecycleHandler): Promise<void>
}

export interface PodEvents {
  record(pod: core.Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void
}

/** What the network has to have done before a step of a pod. */
export interface PodNetwork {
  /** Resolves once what policies say of a pod with these addresses holds: before any of its processes run. */
  protect(scope: Scope, pod: core.Pod, podIps: readonly string[]): Promise<void>
  /** Resolves once no new connections are sent to the pod, within a bounded time: before its processes are told to stop. */
  drain(scope: Scope, pod: core.Pod, podIps: readonly string[]): Promise<void>
}

export interface PodApi {
  /** Tells the API the pod's status, later states overtaking earlier ones; one that `passes` is told only when it lasts. Never throws. */
  report(pod: core.Pod, status: core.PodStatus, passes: boolean): void
  /** Resolves once the last reported status is written and the pod's deletion is final. */
  confirmDeletion(scope: Scope, pod: core.Pod): Promise<void>
  /** Nothing more will be said of this pod. */
  forget(podUid: string): void
}
