import { SampanError, type Scope } from '#base'

/**
 * What the node agent needs of a container runtime, in plain values. Two implementations: `containerd/` speaks CRI v1, `memory/` is for
 * tests. Times are milliseconds since the epoch (fractions kept, so that order survives), 0 where there is none. Every call ends when its
 * scope is cancelled; refusals are `RuntimeError`.
 */
export interface ContainerRuntime {
  version(scope: Scope): Promise<RuntimeVersion>
  status(scope: Scope): Promise<RuntimeStatus>

  /** Resolves with the sandbox's id once its network is there. */
  runPodSandbox(scope: Scope, spec: SandboxSpec): Promise<string>
  /** Kills what runs in it and releases its network. Idempotent; a sandbox that is not there is fine. */
  stopPodSandbox(scope: Scope, id: string): Promise<void>
  /** Idempotent, as above. */
  removePodSandbox(scope: Scope, id: string): Promise<void>
  podSandboxStatus(scope: Scope, id: string): Promise<SandboxStatus>
  listPodSandboxes(scope: Scope): Promise<readonly Sandbox[]>

  createContainer(scope: Scope, sandboxId: string, spec: ContainerSpec, sandbox: SandboxSpec): Promise<string>
  startContainer(scope: Scope, id: string): Promise<void>
  /** Asks with the image's stop signal, then kills after `graceSeconds`. Idempotent; a container that is not there is fine. */
  stopContainer(scope: Scope, id: string, graceSeconds: number): Promise<void>
  removeContainer(scope: Scope, id: string): Promise<void>
  containerStatus(scope: Scope, id: string): Promise<ContainerStatus>
  listContainers(scope: Scope): Promise<readonly Container[]>
  updateContainerResources(scope: Scope, id: string, resources: LinuxResources): Promise<void>
  /** After the log file was renamed: writes go to a new file from here on. */
  reopenContainerLog(scope: Scope, id: string): Promise<void>

  /** Runs a command to its end. `timeoutMs` 0 is no limit; past it the command is killed and `RuntimeError` of kind `deadline` thrown. */
  execSync(scope: Scope, id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>
  /** Where the runtime's streaming server takes the connection; good for one use. */
  exec(scope: Scope, id: string, request: ExecRequest): Promise<string>
  attach(scope: Scope, id: string, request: StreamRequest): Promise<string>
  portForward(scope: Scope, sandboxId: string, ports: readonly number[]): Promise<string>

  /** Undefined when the image is not there. `image` is a name, a digest reference or an id. */
  imageStatus(scope: Scope, image: string): Promise<Image | undefined>
  listImages(scope: Scope): Promise<readonly Image[]>
  /** Resolves with the image's id. */
  pullImage(scope: Scope, image: string, credentials: ImageCredentials | undefined): Promise<string>
  removeImage(scope: Scope, image: string): Promise<void>
  /** Keeps the files of an image (by its id) for a mount until the view is dropped. Idempotent by key. */
  viewImage(scope: Scope, imageId: string, key: string): Promise<FileView>
  dropImageView(scope: Scope, key: string): Promise<void>
  imageFsInfo(scope: Scope): Promise<readonly FilesystemUsage[]>

  listContainerStats(scope: Scope): Promise<readonly ContainerStats[]>

  /**
   * Calls `notice` for every exit and out-of-memory kill until the scope is cancelled; reconnects by itself. `reset` is called whenever
   * events may have been missed (each time the stream begins): look at everything again.
   */
  watch(scope: Scope, notice: (event: RuntimeEvent) => void, reset: () => void): Promise<void>
}

export const RUNTIME_FAILURES = ['not-found', 'unavailable', 'deadline', 'unimplemented', 'invalid', 'failed'] as const
export type RuntimeFailure = (typeof RUNTIME_FAILURES)[number]

/** The runtime's refusal. The message is in the words in which Kubernetes shows it: `rpc error: code = … desc = …`. */
export class RuntimeError extends SampanError {
  readonly code = 'RUNTIME'
  readonly failure: RuntimeFailure
  constructor(failure: RuntimeFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}
export const isRuntimeNotFound = (error: unknown): boolean => error instanceof RuntimeError && error.failure === 'not-found'

export interface RuntimeVersion {
  readonly name: string
  readonly version: string
  readonly apiVersion: string
}
export interface RuntimeStatus {
  readonly ready: boolean
  readonly networkReady: boolean
  /** Why not, for a person. */
  readonly message: string
  readonly handlers: readonly RuntimeHandler[]
  /** Undefined: it does not say, and can none of it. */
  readonly features: RuntimeFeatures | undefined
}
export interface RuntimeFeatures {
  readonly supplementalGroupsPolicy: boolean
}
export interface RuntimeHandler {
  /** Empty for the default one. */
  readonly name: string
  readonly userNamespaces: boolean
  readonly recursiveReadOnlyMounts: boolean
}

export type RuntimeEvent =
  | {
      readonly type: 'exit'
      readonly containerId: string
      readonly sandboxId: string | undefined
      readonly exitCode: number
      readonly atMs: number
    }
  | { readonly type: 'oom'; readonly containerId: string }

export interface Identity {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Sandbox extends Identity {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly attempt: number
  readonly ready: boolean
  readonly createdAtMs: number
  readonly handler: string
}
export interface SandboxStatus extends Sandbox {
  /** First the primary one. Empty for the node's network. */
  readonly ips: readonly string[]
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown'
export interface Container extends Identity {
  readonly id: string
  readonly sandboxId: string
  readonly name: string
  readonly attempt: number
  readonly state: ContainerState
  readonly createdAtMs: number
  /** As written in the pod. */
  readonly image: string
  readonly imageRef: string
}
export interface ContainerStatus extends Identity {
  readonly id: string
  readonly name: string
  readonly attempt: number
  readonly state: ContainerState
  readonly createdAtMs: number
  readonly startedAtMs: number
  readonly finishedAtMs: number
  readonly exitCode: number
  readonly reason: string
  readonly message: string
  readonly image: string
  readonly imageRef: string
  readonly imageId: string
  readonly logPath: string
  /** What the first process runs as; only newer runtimes say. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] }
}

export type NamespaceMode = 'pod' | 'container' | 'node' | 'target'
/** Users and groups 0 … length - 1 of a pod are those of the node from `hostId` on. */
export interface UserMapping {
  readonly hostId: number
  readonly length: number
}
export interface NamespaceModes {
  readonly network: NamespaceMode
  readonly pid: NamespaceMode
  readonly ipc: NamespaceMode
  readonly targetId?: string
  /** Absent: users are those of the node. */
  readonly users?: UserMapping
}
export type SecurityProfile = { readonly type: 'RuntimeDefault' | 'Unconfined' } | { readonly type: 'Localhost'; readonly ref: string }
/** Whether the groups of the image's own /etc/group are added to those that are named. */
export type GroupsPolicy = 'Merge' | 'Strict'
export interface SelinuxOptions {
  readonly user: string
  readonly role: string
  readonly type: string
  readonly level: string
}

export interface SandboxSpec extends Identity {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly attempt: number
  /** Empty on the node's network: there the node's own name shows. */
  readonly hostname: string
  readonly logDirectory: string
  /** Undefined: the runtime copies the node's resolver configuration. */
  readonly dns:
    | { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] }
    | undefined
  readonly portMappings: readonly PortMapping[]
  readonly handler: string
  readonly cgroupParent: string
  readonly sysctls: Readonly<Record<string, string>>
  readonly namespaces: NamespaceModes
  readonly privileged: boolean
  readonly seccomp: SecurityProfile | undefined
  readonly selinux: SelinuxOptions | undefined
  readonly runAsUser: number | undefined
  readonly runAsGroup: number | undefined
  readonly supplementalGroups: readonly number[]
  readonly groupsPolicy: GroupsPolicy
}
export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly containerPort: number
  readonly hostPort: number
  readonly hostIp: string
}

export interface ContainerSpec extends Identity {
  readonly name: string
  readonly attempt: number
  /** The image's id or reference to run. */
  readonly image: string
  /** As the pod names it. */
  readonly userImage: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  readonly workingDir: string
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly mounts: readonly Mount[]
  readonly devices: readonly Device[]
  /** Qualified names of the Container Device Interface: the runtime knows what belongs to them. */
  readonly cdiDevices: readonly string[]
  /** Relative to the sandbox's log directory. */
  readonly logPath: string
  readonly stdin: boolean
  readonly stdinOnce: boolean
  readonly tty: boolean
  readonly resources: LinuxResources
  readonly security: ContainerSecurity
}
export interface Device {
  readonly containerPath: string
  readonly hostPath: string
  /** Of `m` (make), `r`, `w`. */
  readonly permissions: string
}
export interface Mount {
  readonly containerPath: string
  readonly hostPath: string
  readonly readOnly: boolean
  readonly recursiveReadOnly: boolean
  readonly propagation: 'private' | 'host-to-container' | 'bidirectional'
  /** Instead of a path of the node: the files of an image, below `subPath`, which the runtime mounts itself. */
  readonly image?: { readonly id: string; readonly subPath: string }
}
export interface LinuxResources {
  readonly cpuPeriodUs: number
  /** 0 is no limit. */
  readonly cpuQuotaUs: number
  readonly cpuShares: number
  /** 0 is no limit. */
  readonly memoryLimitBytes: number
  /** Memory and swap together; absent where the kernel does not count it, or counts swap alone. */
  readonly memoryAndSwapLimitBytes?: number
  readonly oomScoreAdj: number
  /** By page size as the kernel names it (`2MB`); absent where the kernel does not count them. */
  readonly hugePages?: readonly { readonly pageSize: string; readonly limitBytes: number }[]
  /** Absent: as the cgroup above. */
  readonly cpus?: string
  readonly memoryNodes?: string
  /** cgroup v2 files by name. */
  readonly unified: Readonly<Record<string, string>>
}
export interface ContainerSecurity {
  readonly privileged: boolean
  readonly addCapabilities: readonly string[]
  readonly dropCapabilities: readonly string[]
  readonly namespaces: NamespaceModes
  readonly selinux: SelinuxOptions | undefined
  readonly runAsUser: number | undefined
  readonly runAsUsername: string
  readonly runAsGroup: number | undefined
  readonly readonlyRootfs: boolean
  readonly supplementalGroups: readonly number[]
  readonly groupsPolicy: GroupsPolicy
  readonly noNewPrivileges: boolean
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly seccomp: SecurityProfile
  readonly apparmor: SecurityProfile | undefined
}

export interface StreamRequest {
  readonly tty: boolean
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}
export interface ExecRequest extends StreamRequest {
  readonly command: readonly string[]
}
export interface ExecResult {
  readonly exitCode: number
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

export interface Image {
  readonly id: string
  readonly tags: readonly string[]
  readonly digests: readonly string[]
  readonly sizeBytes: number
  /** The user that its configuration names: a number, or a name, or neither. */
  readonly uid: number | undefined
  readonly username: string
  readonly pinned: boolean
}
export interface ImageCredentials {
  readonly username: string
  readonly password: string
  readonly auth: string
  readonly serverAddress: string
  readonly identityToken: string
  readonly registryToken: string
}
/** What to mount to see some files: read-only whatever its options say. */
export interface FileView {
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}
export interface FilesystemUsage {
  readonly mountpoint: string
  readonly usedBytes: number
  readonly inodesUsed: number
  readonly atMs: number
}
export interface ContainerStats {
  readonly id: string
  readonly name: string
  readonly podUid: string
  readonly atMs: number
  /** Cumulative, in nanoseconds of one core. */
  readonly cpuUsageNanoseconds: number
  readonly workingSetBytes: number
  readonly usageBytes: number
  readonly rssBytes: number
  readonly pageFaults: number
  readonly majorPageFaults: number
  readonly writableLayer: FilesystemUsage | undefined
}
