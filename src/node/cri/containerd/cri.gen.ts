// Written by tools/gen/cri.ts. Do not edit.

export interface AttachRequest {
  containerId: string
  stdin: boolean
  tty: boolean
  stdout: boolean
  stderr: boolean
}

export interface AttachResponse {
  url: string
}

export interface AuthConfig {
  username: string
  password: string
  auth: string
  serverAddress: string
  identityToken: string
  registryToken: string
}

export interface CDIDevice {
  name: string
}

export interface Capability {
  addCapabilities: string[]
  dropCapabilities: string[]
  addAmbientCapabilities: string[]
}

export const CgroupDriver = {
  SYSTEMD: 0,
  CGROUPFS: 1,
} as const
export type CgroupDriver = number

export interface Container {
  id: string
  podSandboxId: string
  metadata?: ContainerMetadata | undefined
  image?: ImageSpec | undefined
  imageRef: string
  state: ContainerState
  createdAt: bigint
  labels: Record<string, string>
  annotations: Record<string, string>
  imageId: string
}

export interface ContainerAttributes {
  id: string
  metadata?: ContainerMetadata | undefined
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface ContainerConfig {
  metadata?: ContainerMetadata | undefined
  image?: ImageSpec | undefined
  command: string[]
  args: string[]
  workingDir: string
  envs: KeyValue[]
  mounts: Mount[]
  devices: Device[]
  labels: Record<string, string>
  annotations: Record<string, string>
  logPath: string
  stdin: boolean
  stdinOnce: boolean
  tty: boolean
  linux?: LinuxContainerConfig | undefined
  CDIDevices: CDIDevice[]
  stopSignal: Signal
}

export interface ContainerEventResponse {
  containerId: string
  containerEventType: ContainerEventType
  createdAt: bigint
  podSandboxStatus?: PodSandboxStatus | undefined
  containersStatuses: ContainerStatus[]
}

export const ContainerEventType = {
  CONTAINER_CREATED_EVENT: 0,
  CONTAINER_STARTED_EVENT: 1,
  CONTAINER_STOPPED_EVENT: 2,
  CONTAINER_DELETED_EVENT: 3,
} as const
export type ContainerEventType = number

export interface ContainerFilter {
  id: string
  state?: ContainerStateValue | undefined
  podSandboxId: string
  labelSelector: Record<string, string>
}

export interface ContainerMetadata {
  name: string
  attempt: number
}

export interface ContainerResources {
  linux?: LinuxContainerResources | undefined
}

export const ContainerState = {
  CONTAINER_CREATED: 0,
  CONTAINER_RUNNING: 1,
  CONTAINER_EXITED: 2,
  CONTAINER_UNKNOWN: 3,
} as const
export type ContainerState = number

export interface ContainerStateValue {
  state: ContainerState
}

export interface ContainerStats {
  attributes?: ContainerAttributes | undefined
  cpu?: CpuUsage | undefined
  memory?: MemoryUsage | undefined
  writableLayer?: FilesystemUsage | undefined
  swap?: SwapUsage | undefined
  io?: IoUsage | undefined
}

export interface ContainerStatsFilter {
  id: string
  podSandboxId: string
  labelSelector: Record<string, string>
}

export interface ContainerStatus {
  id: string
  metadata?: ContainerMetadata | undefined
  state: ContainerState
  createdAt: bigint
  startedAt: bigint
  finishedAt: bigint
  exitCode: number
  image?: ImageSpec | undefined
  imageRef: string
  reason: string
  message: string
  labels: Record<string, string>
  annotations: Record<string, string>
  mounts: Mount[]
  logPath: string
  resources?: ContainerResources | undefined
  imageId: string
  user?: ContainerUser | undefined
  stopSignal: Signal
}

export interface ContainerStatusRequest {
  containerId: string
  verbose: boolean
}

export interface ContainerStatusResponse {
  status?: ContainerStatus | undefined
  info: Record<string, string>
}

export interface ContainerUser {
  linux?: LinuxContainerUser | undefined
}

export interface CpuUsage {
  timestamp: bigint
  usageCoreNanoSeconds?: UInt64Value | undefined
  usageNanoCores?: UInt64Value | undefined
  psi?: PsiStats | undefined
}

export interface CreateContainerRequest {
  podSandboxId: string
  config?: ContainerConfig | undefined
  sandboxConfig?: PodSandboxConfig | undefined
}

export interface CreateContainerResponse {
  containerId: string
}

export interface DNSConfig {
  servers: string[]
  searches: string[]
  options: string[]
}

export interface Device {
  containerPath: string
  hostPath: string
  permissions: string
}

export interface ExecRequest {
  containerId: string
  cmd: string[]
  tty: boolean
  stdin: boolean
  stdout: boolean
  stderr: boolean
}

export interface ExecResponse {
  url: string
}

export interface ExecSyncRequest {
  containerId: string
  cmd: string[]
  timeout: bigint
}

export interface ExecSyncResponse {
  stdout: Uint8Array
  stderr: Uint8Array
  exitCode: number
}

export interface FilesystemIdentifier {
  mountpoint: string
}

export interface FilesystemUsage {
  timestamp: bigint
  fsId?: FilesystemIdentifier | undefined
  usedBytes?: UInt64Value | undefined
  inodesUsed?: UInt64Value | undefined
}

export interface GetEventsRequest {
}

export interface HugepageLimit {
  pageSize: string
  limit: bigint
}

export interface IDMapping {
  hostId: number
  containerId: number
  length: number
}

export interface Image {
  id: string
  repoTags: string[]
  repoDigests: string[]
  size: bigint
  uid?: Int64Value | undefined
  username: string
  spec?: ImageSpec | undefined
  pinned: boolean
}

export interface ImageFilter {
  image?: ImageSpec | undefined
}

export interface ImageFsInfoRequest {
}

export interface ImageFsInfoResponse {
  imageFilesystems: FilesystemUsage[]
  containerFilesystems: FilesystemUsage[]
}

export interface ImageSpec {
  image: string
  annotations: Record<string, string>
  userSpecifiedImage: string
  runtimeHandler: string
  imageRef: string
}

export interface ImageStatusRequest {
  image?: ImageSpec | undefined
  verbose: boolean
}

export interface ImageStatusResponse {
  image?: Image | undefined
  info: Record<string, string>
}

export interface Int64Value {
  value: bigint
}

export interface IoUsage {
  timestamp: bigint
  psi?: PsiStats | undefined
}

export interface KeyValue {
  key: string
  value: Uint8Array
}

export interface LinuxContainerConfig {
  resources?: LinuxContainerResources | undefined
  securityContext?: LinuxContainerSecurityContext | undefined
}

export interface LinuxContainerResources {
  cpuPeriod: bigint
  cpuQuota: bigint
  cpuShares: bigint
  memoryLimitInBytes: bigint
  oomScoreAdj: bigint
  cpusetCpus: string
  cpusetMems: string
  hugepageLimits: HugepageLimit[]
  unified: Record<string, string>
  memorySwapLimitInBytes: bigint
}

export interface LinuxContainerSecurityContext {
  capabilities?: Capability | undefined
  privileged: boolean
  namespaceOptions?: NamespaceOption | undefined
  selinuxOptions?: SELinuxOption | undefined
  runAsUser?: Int64Value | undefined
  runAsGroup?: Int64Value | undefined
  runAsUsername: string
  readonlyRootfs: boolean
  supplementalGroups: bigint[]
  supplementalGroupsPolicy: SupplementalGroupsPolicy
  noNewPrivs: boolean
  maskedPaths: string[]
  readonlyPaths: string[]
  seccomp?: SecurityProfile | undefined
  apparmor?: SecurityProfile | undefined
  apparmorProfile: string
  seccompProfilePath: string
}

export interface LinuxContainerUser {
  uid: bigint
  gid: bigint
  supplementalGroups: bigint[]
}

export interface LinuxPodSandboxConfig {
  cgroupParent: string
  securityContext?: LinuxSandboxSecurityContext | undefined
  sysctls: Record<string, string>
  overhead?: LinuxContainerResources | undefined
  resources?: LinuxContainerResources | undefined
}

export interface LinuxPodSandboxStats {
  cpu?: CpuUsage | undefined
  memory?: MemoryUsage | undefined
  network?: NetworkUsage | undefined
  process?: ProcessUsage | undefined
  containers: ContainerStats[]
  io?: IoUsage | undefined
}

export interface LinuxPodSandboxStatus {
  namespaces?: Namespace | undefined
}

export interface LinuxRuntimeConfiguration {
  cgroupDriver: CgroupDriver
}

export interface LinuxSandboxSecurityContext {
  namespaceOptions?: NamespaceOption | undefined
  selinuxOptions?: SELinuxOption | undefined
  runAsUser?: Int64Value | undefined
  runAsGroup?: Int64Value | undefined
  readonlyRootfs: boolean
  supplementalGroups: bigint[]
  supplementalGroupsPolicy: SupplementalGroupsPolicy
  privileged: boolean
  seccomp?: SecurityProfile | undefined
  apparmor?: SecurityProfile | undefined
  seccompProfilePath: string
}

export interface ListContainerStatsRequest {
  filter?: ContainerStatsFilter | undefined
}

export interface ListContainerStatsResponse {
  stats: ContainerStats[]
}

export interface ListContainersRequest {
  filter?: ContainerFilter | undefined
}

export interface ListContainersResponse {
  containers: Container[]
}

export interface ListImagesRequest {
  filter?: ImageFilter | undefined
}

export interface ListImagesResponse {
  images: Image[]
}

export interface ListPodSandboxRequest {
  filter?: PodSandboxFilter | undefined
}

export interface ListPodSandboxResponse {
  items: PodSandbox[]
}

export interface ListPodSandboxStatsRequest {
  filter?: PodSandboxStatsFilter | undefined
}

export interface ListPodSandboxStatsResponse {
  stats: PodSandboxStats[]
}

export interface MemoryUsage {
  timestamp: bigint
  workingSetBytes?: UInt64Value | undefined
  availableBytes?: UInt64Value | undefined
  usageBytes?: UInt64Value | undefined
  rssBytes?: UInt64Value | undefined
  pageFaults?: UInt64Value | undefined
  majorPageFaults?: UInt64Value | undefined
  psi?: PsiStats | undefined
}

export interface Mount {
  containerPath: string
  hostPath: string
  readonly: boolean
  selinuxRelabel: boolean
  propagation: MountPropagation
  uidMappings: IDMapping[]
  gidMappings: IDMapping[]
  recursiveReadOnly: boolean
  image?: ImageSpec | undefined
  imageSubPath: string
}

export const MountPropagation = {
  PROPAGATION_PRIVATE: 0,
  PROPAGATION_HOST_TO_CONTAINER: 1,
  PROPAGATION_BIDIRECTIONAL: 2,
} as const
export type MountPropagation = number

export interface Namespace {
  options?: NamespaceOption | undefined
}

export const NamespaceMode = {
  POD: 0,
  CONTAINER: 1,
  NODE: 2,
  TARGET: 3,
} as const
export type NamespaceMode = number

export interface NamespaceOption {
  network: NamespaceMode
  pid: NamespaceMode
  ipc: NamespaceMode
  targetId: string
  usernsOptions?: UserNamespace | undefined
}

export interface NetworkConfig {
  podCidr: string
}

export interface NetworkInterfaceUsage {
  name: string
  rxBytes?: UInt64Value | undefined
  rxErrors?: UInt64Value | undefined
  txBytes?: UInt64Value | undefined
  txErrors?: UInt64Value | undefined
}

export interface NetworkUsage {
  timestamp: bigint
  defaultInterface?: NetworkInterfaceUsage | undefined
  interfaces: NetworkInterfaceUsage[]
}

export interface PodIP {
  ip: string
}

export interface PodSandbox {
  id: string
  metadata?: PodSandboxMetadata | undefined
  state: PodSandboxState
  createdAt: bigint
  labels: Record<string, string>
  annotations: Record<string, string>
  runtimeHandler: string
}

export interface PodSandboxAttributes {
  id: string
  metadata?: PodSandboxMetadata | undefined
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface PodSandboxConfig {
  metadata?: PodSandboxMetadata | undefined
  hostname: string
  logDirectory: string
  dnsConfig?: DNSConfig | undefined
  portMappings: PortMapping[]
  labels: Record<string, string>
  annotations: Record<string, string>
  linux?: LinuxPodSandboxConfig | undefined
}

export interface PodSandboxFilter {
  id: string
  state?: PodSandboxStateValue | undefined
  labelSelector: Record<string, string>
}

export interface PodSandboxMetadata {
  name: string
  uid: string
  namespace: string
  attempt: number
}

export interface PodSandboxNetworkStatus {
  ip: string
  additionalIps: PodIP[]
}

export const PodSandboxState = {
  SANDBOX_READY: 0,
  SANDBOX_NOTREADY: 1,
} as const
export type PodSandboxState = number

export interface PodSandboxStateValue {
  state: PodSandboxState
}

export interface PodSandboxStats {
  attributes?: PodSandboxAttributes | undefined
  linux?: LinuxPodSandboxStats | undefined
}

export interface PodSandboxStatsFilter {
  id: string
  labelSelector: Record<string, string>
}

export interface PodSandboxStatsRequest {
  podSandboxId: string
}

export interface PodSandboxStatsResponse {
  stats?: PodSandboxStats | undefined
}

export interface PodSandboxStatus {
  id: string
  metadata?: PodSandboxMetadata | undefined
  state: PodSandboxState
  createdAt: bigint
  network?: PodSandboxNetworkStatus | undefined
  linux?: LinuxPodSandboxStatus | undefined
  labels: Record<string, string>
  annotations: Record<string, string>
  runtimeHandler: string
}

export interface PodSandboxStatusRequest {
  podSandboxId: string
  verbose: boolean
}

export interface PodSandboxStatusResponse {
  status?: PodSandboxStatus | undefined
  info: Record<string, string>
  containersStatuses: ContainerStatus[]
  timestamp: bigint
}

export interface PortForwardRequest {
  podSandboxId: string
  port: number[]
}

export interface PortForwardResponse {
  url: string
}

export interface PortMapping {
  protocol: Protocol
  containerPort: number
  hostPort: number
  hostIp: string
}

export interface ProcessUsage {
  timestamp: bigint
  processCount?: UInt64Value | undefined
}

export const Protocol = {
  TCP: 0,
  UDP: 1,
  SCTP: 2,
} as const
export type Protocol = number

export interface PsiData {
  Total: bigint
  Avg10: number
  Avg60: number
  Avg300: number
}

export interface PsiStats {
  Full?: PsiData | undefined
  Some?: PsiData | undefined
}

export interface PullImageRequest {
  image?: ImageSpec | undefined
  auth?: AuthConfig | undefined
  sandboxConfig?: PodSandboxConfig | undefined
}

export interface PullImageResponse {
  imageRef: string
}

export interface RemoveContainerRequest {
  containerId: string
}

export interface RemoveContainerResponse {
}

export interface RemoveImageRequest {
  image?: ImageSpec | undefined
}

export interface RemoveImageResponse {
}

export interface RemovePodSandboxRequest {
  podSandboxId: string
}

export interface RemovePodSandboxResponse {
}

export interface ReopenContainerLogRequest {
  containerId: string
}

export interface ReopenContainerLogResponse {
}

export interface RunPodSandboxRequest {
  config?: PodSandboxConfig | undefined
  runtimeHandler: string
}

export interface RunPodSandboxResponse {
  podSandboxId: string
}

export interface RuntimeCondition {
  type: string
  status: boolean
  reason: string
  message: string
}

export interface RuntimeConfig {
  networkConfig?: NetworkConfig | undefined
}

export interface RuntimeConfigRequest {
}

export interface RuntimeConfigResponse {
  linux?: LinuxRuntimeConfiguration | undefined
}

export interface RuntimeFeatures {
  supplementalGroupsPolicy: boolean
  userNamespacesHostNetwork: boolean
}

export interface RuntimeHandler {
  name: string
  features?: RuntimeHandlerFeatures | undefined
}

export interface RuntimeHandlerFeatures {
  recursiveReadOnlyMounts: boolean
  userNamespaces: boolean
}

export interface RuntimeStatus {
  conditions: RuntimeCondition[]
}

export interface SELinuxOption {
  user: string
  role: string
  type: string
  level: string
}

export interface SecurityProfile {
  profileType: SecurityProfileProfileType
  localhostRef: string
}

export const SecurityProfileProfileType = {
  RuntimeDefault: 0,
  Unconfined: 1,
  Localhost: 2,
} as const
export type SecurityProfileProfileType = number

export const Signal = {
  RUNTIME_DEFAULT: 0,
  SIGABRT: 1,
  SIGALRM: 2,
  SIGBUS: 3,
  SIGCHLD: 4,
  SIGCLD: 5,
  SIGCONT: 6,
  SIGFPE: 7,
  SIGHUP: 8,
  SIGILL: 9,
  SIGINT: 10,
  SIGIO: 11,
  SIGIOT: 12,
  SIGKILL: 13,
  SIGPIPE: 14,
  SIGPOLL: 15,
  SIGPROF: 16,
  SIGPWR: 17,
  SIGQUIT: 18,
  SIGSEGV: 19,
  SIGSTKFLT: 20,
  SIGSTOP: 21,
  SIGSYS: 22,
  SIGTERM: 23,
  SIGTRAP: 24,
  SIGTSTP: 25,
  SIGTTIN: 26,
  SIGTTOU: 27,
  SIGURG: 28,
  SIGUSR1: 29,
  SIGUSR2: 30,
  SIGVTALRM: 31,
  SIGWINCH: 32,
  SIGXCPU: 33,
  SIGXFSZ: 34,
  SIGRTMIN: 35,
  SIGRTMINPLUS1: 36,
  SIGRTMINPLUS2: 37,
  SIGRTMINPLUS3: 38,
  SIGRTMINPLUS4: 39,
  SIGRTMINPLUS5: 40,
  SIGRTMINPLUS6: 41,
  SIGRTMINPLUS7: 42,
  SIGRTMINPLUS8: 43,
  SIGRTMINPLUS9: 44,
  SIGRTMINPLUS10: 45,
  SIGRTMINPLUS11: 46,
  SIGRTMINPLUS12: 47,
  SIGRTMINPLUS13: 48,
  SIGRTMINPLUS14: 49,
  SIGRTMINPLUS15: 50,
  SIGRTMAXMINUS14: 51,
  SIGRTMAXMINUS13: 52,
  SIGRTMAXMINUS12: 53,
  SIGRTMAXMINUS11: 54,
  SIGRTMAXMINUS10: 55,
  SIGRTMAXMINUS9: 56,
  SIGRTMAXMINUS8: 57,
  SIGRTMAXMINUS7: 58,
  SIGRTMAXMINUS6: 59,
  SIGRTMAXMINUS5: 60,
  SIGRTMAXMINUS4: 61,
  SIGRTMAXMINUS3: 62,
  SIGRTMAXMINUS2: 63,
  SIGRTMAXMINUS1: 64,
  SIGRTMAX: 65,
} as const
export type Signal = number

export interface StartContainerRequest {
  containerId: string
}

export interface StartContainerResponse {
}

export interface StatusRequest {
  verbose: boolean
}

export interface StatusResponse {
  status?: RuntimeStatus | undefined
  info: Record<string, string>
  runtimeHandlers: RuntimeHandler[]
  features?: RuntimeFeatures | undefined
}

export interface StopContainerRequest {
  containerId: string
  timeout: bigint
}

export interface StopContainerResponse {
}

export interface StopPodSandboxRequest {
  podSandboxId: string
}

export interface StopPodSandboxResponse {
}

export const SupplementalGroupsPolicy = {
  Merge: 0,
  Strict: 1,
} as const
export type SupplementalGroupsPolicy = number

export interface SwapUsage {
  timestamp: bigint
  swapAvailableBytes?: UInt64Value | undefined
  swapUsageBytes?: UInt64Value | undefined
}

export interface UInt64Value {
  value: bigint
}

export interface UpdateContainerResourcesRequest {
  containerId: string
  linux?: LinuxContainerResources | undefined
  annotations: Record<string, string>
}

export interface UpdateContainerResourcesResponse {
}

export interface UpdateRuntimeConfigRequest {
  runtimeConfig?: RuntimeConfig | undefined
}

export interface UpdateRuntimeConfigResponse {
}

export interface UserNamespace {
  mode: NamespaceMode
  uids: IDMapping[]
  gids: IDMapping[]
}

export interface VersionRequest {
  version: string
}

export interface VersionResponse {
  version: string
  runtimeName: string
  runtimeVersion: string
  runtimeApiVersion: string
}

/** Request and answer of each method, by its path. */
export interface CriMethods {
  'RuntimeService/Version': { request: VersionRequest; answer: VersionResponse }
  'RuntimeService/Status': { request: StatusRequest; answer: StatusResponse }
  'RuntimeService/RuntimeConfig': { request: RuntimeConfigRequest; answer: RuntimeConfigResponse }
  'RuntimeService/UpdateRuntimeConfig': { request: UpdateRuntimeConfigRequest; answer: UpdateRuntimeConfigResponse }
  'RuntimeService/RunPodSandbox': { request: RunPodSandboxRequest; answer: RunPodSandboxResponse }
  'RuntimeService/StopPodSandbox': { request: StopPodSandboxRequest; answer: StopPodSandboxResponse }
  'RuntimeService/RemovePodSandbox': { request: RemovePodSandboxRequest; answer: RemovePodSandboxResponse }
  'RuntimeService/PodSandboxStatus': { request: PodSandboxStatusRequest; answer: PodSandboxStatusResponse }
  'RuntimeService/ListPodSandbox': { request: ListPodSandboxRequest; answer: ListPodSandboxResponse }
  'RuntimeService/CreateContainer': { request: CreateContainerRequest; answer: CreateContainerResponse }
  'RuntimeService/StartContainer': { request: StartContainerRequest; answer: StartContainerResponse }
  'RuntimeService/StopContainer': { request: StopContainerRequest; answer: StopContainerResponse }
  'RuntimeService/RemoveContainer': { request: RemoveContainerRequest; answer: RemoveContainerResponse }
  'RuntimeService/ListContainers': { request: ListContainersRequest; answer: ListContainersResponse }
  'RuntimeService/ContainerStatus': { request: ContainerStatusRequest; answer: ContainerStatusResponse }
  'RuntimeService/UpdateContainerResources': { request: UpdateContainerResourcesRequest; answer: UpdateContainerResourcesResponse }
  'RuntimeService/ReopenContainerLog': { request: ReopenContainerLogRequest; answer: ReopenContainerLogResponse }
  'RuntimeService/ExecSync': { request: ExecSyncRequest; answer: ExecSyncResponse }
  'RuntimeService/Exec': { request: ExecRequest; answer: ExecResponse }
  'RuntimeService/Attach': { request: AttachRequest; answer: AttachResponse }
  'RuntimeService/PortForward': { request: PortForwardRequest; answer: PortForwardResponse }
  'RuntimeService/ListContainerStats': { request: ListContainerStatsRequest; answer: ListContainerStatsResponse }
  'RuntimeService/PodSandboxStats': { request: PodSandboxStatsRequest; answer: PodSandboxStatsResponse }
  'RuntimeService/ListPodSandboxStats': { request: ListPodSandboxStatsRequest; answer: ListPodSandboxStatsResponse }
  'RuntimeService/GetContainerEvents': { request: GetEventsRequest; answer: ContainerEventResponse }
  'ImageService/ListImages': { request: ListImagesRequest; answer: ListImagesResponse }
  'ImageService/ImageStatus': { request: ImageStatusRequest; answer: ImageStatusResponse }
  'ImageService/PullImage': { request: PullImageRequest; answer: PullImageResponse }
  'ImageService/RemoveImage': { request: RemoveImageRequest; answer: RemoveImageResponse }
  'ImageService/ImageFsInfo': { request: ImageFsInfoRequest; answer: ImageFsInfoResponse }
}

/** Message → field → [number, type, label]; enums and services likewise. */
export const CRI_TABLE = {
  'AttachRequest': {"container_id":[1,"string"],"stdin":[2,"bool"],"tty":[3,"bool"],"stdout":[4,"bool"],"stderr":[5,"bool"]},
  'AttachResponse': {"url":[1,"string"]},
  'AuthConfig': {"username":[1,"string"],"password":[2,"string"],"auth":[3,"string"],"server_address":[4,"string"],"identity_token":[5,"string"],"registry_token":[6,"string"]},
  'CDIDevice': {"name":[1,"string"]},
  'Capability': {"add_capabilities":[1,"string","repeated"],"drop_capabilities":[2,"string","repeated"],"add_ambient_capabilities":[3,"string","repeated"]},
  'CgroupDriver': {"enum":{"SYSTEMD":0,"CGROUPFS":1}},
  'Container': {"id":[1,"string"],"pod_sandbox_id":[2,"string"],"metadata":[3,"ContainerMetadata"],"image":[4,"ImageSpec"],"image_ref":[5,"string"],"state":[6,"ContainerState"],"created_at":[7,"int64"],"labels":[8,"map<string,string>"],"annotations":[9,"map<string,string>"],"image_id":[10,"string"]},
  'ContainerAttributes': {"id":[1,"string"],"metadata":[2,"ContainerMetadata"],"labels":[3,"map<string,string>"],"annotations":[4,"map<string,string>"]},
  'ContainerConfig': {"metadata":[1,"ContainerMetadata"],"image":[2,"ImageSpec"],"command":[3,"string","repeated"],"args":[4,"string","repeated"],"working_dir":[5,"string"],"envs":[6,"KeyValue","repeated"],"mounts":[7,"Mount","repeated"],"devices":[8,"Device","repeated"],"labels":[9,"map<string,string>"],"annotations":[10,"map<string,string>"],"log_path":[11,"string"],"stdin":[12,"bool"],"stdin_once":[13,"bool"],"tty":[14,"bool"],"linux":[15,"LinuxContainerConfig"],"CDI_devices":[17,"CDIDevice","repeated"],"stop_signal":[18,"Signal"]},
  'ContainerEventResponse': {"container_id":[1,"string"],"container_event_type":[2,"ContainerEventType"],"created_at":[3,"int64"],"pod_sandbox_status":[4,"PodSandboxStatus"],"containers_statuses":[5,"ContainerStatus","repeated"]},
  'ContainerEventType': {"enum":{"CONTAINER_CREATED_EVENT":0,"CONTAINER_STARTED_EVENT":1,"CONTAINER_STOPPED_EVENT":2,"CONTAINER_DELETED_EVENT":3}},
  'ContainerFilter': {"id":[1,"string"],"state":[2,"ContainerStateValue"],"pod_sandbox_id":[3,"string"],"label_selector":[4,"map<string,string>"]},
  'ContainerMetadata': {"name":[1,"string"],"attempt":[2,"uint32"]},
  'ContainerResources': {"linux":[1,"LinuxContainerResources"]},
  'ContainerState': {"enum":{"CONTAINER_CREATED":0,"CONTAINER_RUNNING":1,"CONTAINER_EXITED":2,"CONTAINER_UNKNOWN":3}},
  'ContainerStateValue': {"state":[1,"ContainerState"]},
  'ContainerStats': {"attributes":[1,"ContainerAttributes"],"cpu":[2,"CpuUsage"],"memory":[3,"MemoryUsage"],"writable_layer":[4,"FilesystemUsage"],"swap":[5,"SwapUsage"],"io":[6,"IoUsage"]},
  'ContainerStatsFilter': {"id":[1,"string"],"pod_sandbox_id":[2,"string"],"label_selector":[3,"map<string,string>"]},
  'ContainerStatus': {"id":[1,"string"],"metadata":[2,"ContainerMetadata"],"state":[3,"ContainerState"],"created_at":[4,"int64"],"started_at":[5,"int64"],"finished_at":[6,"int64"],"exit_code":[7,"int32"],"image":[8,"ImageSpec"],"image_ref":[9,"string"],"reason":[10,"string"],"message":[11,"string"],"labels":[12,"map<string,string>"],"annotations":[13,"map<string,string>"],"mounts":[14,"Mount","repeated"],"log_path":[15,"string"],"resources":[16,"ContainerResources"],"image_id":[17,"string"],"user":[18,"ContainerUser"],"stop_signal":[19,"Signal"]},
  'ContainerStatusRequest': {"container_id":[1,"string"],"verbose":[2,"bool"]},
  'ContainerStatusResponse': {"status":[1,"ContainerStatus"],"info":[2,"map<string,string>"]},
  'ContainerUser': {"linux":[1,"LinuxContainerUser"]},
  'CpuUsage': {"timestamp":[1,"int64"],"usage_core_nano_seconds":[2,"UInt64Value"],"usage_nano_cores":[3,"UInt64Value"],"psi":[4,"PsiStats"]},
  'CreateContainerRequest': {"pod_sandbox_id":[1,"string"],"config":[2,"ContainerConfig"],"sandbox_config":[3,"PodSandboxConfig"]},
  'CreateContainerResponse': {"container_id":[1,"string"]},
  'DNSConfig': {"servers":[1,"string","repeated"],"searches":[2,"string","repeated"],"options":[3,"string","repeated"]},
  'Device': {"container_path":[1,"string"],"host_path":[2,"string"],"permissions":[3,"string"]},
  'ExecRequest': {"container_id":[1,"string"],"cmd":[2,"string","repeated"],"tty":[3,"bool"],"stdin":[4,"bool"],"stdout":[5,"bool"],"stderr":[6,"bool"]},
  'ExecResponse': {"url":[1,"string"]},
  'ExecSyncRequest': {"container_id":[1,"string"],"cmd":[2,"string","repeated"],"timeout":[3,"int64"]},
  'ExecSyncResponse': {"stdout":[1,"bytes"],"stderr":[2,"bytes"],"exit_code":[3,"int32"]},
  'FilesystemIdentifier': {"mountpoint":[1,"string"]},
  'FilesystemUsage': {"timestamp":[1,"int64"],"fs_id":[2,"FilesystemIdentifier"],"used_bytes":[3,"UInt64Value"],"inodes_used":[4,"UInt64Value"]},
  'GetEventsRequest': {},
  'HugepageLimit': {"page_size":[1,"string"],"limit":[2,"uint64"]},
  'IDMapping': {"host_id":[1,"uint32"],"container_id":[2,"uint32"],"length":[3,"uint32"]},
  'Image': {"id":[1,"string"],"repo_tags":[2,"string","repeated"],"repo_digests":[3,"string","repeated"],"size":[4,"uint64"],"uid":[5,"Int64Value"],"username":[6,"string"],"spec":[7,"ImageSpec"],"pinned":[8,"bool"]},
  'ImageFilter': {"image":[1,"ImageSpec"]},
  'ImageFsInfoRequest': {},
  'ImageFsInfoResponse': {"image_filesystems":[1,"FilesystemUsage","repeated"],"container_filesystems":[2,"FilesystemUsage","repeated"]},
  'ImageSpec': {"image":[1,"string"],"annotations":[2,"map<string,string>"],"user_specified_image":[18,"string"],"runtime_handler":[19,"string"],"image_ref":[20,"string"]},
  'ImageStatusRequest': {"image":[1,"ImageSpec"],"verbose":[2,"bool"]},
  'ImageStatusResponse': {"image":[1,"Image"],"info":[2,"map<string,string>"]},
  'Int64Value': {"value":[1,"int64"]},
  'IoUsage': {"timestamp":[1,"int64"],"psi":[2,"PsiStats"]},
  'KeyValue': {"key":[1,"string"],"value":[2,"bytes"]},
  'LinuxContainerConfig': {"resources":[1,"LinuxContainerResources"],"security_context":[2,"LinuxContainerSecurityContext"]},
  'LinuxContainerResources': {"cpu_period":[1,"int64"],"cpu_quota":[2,"int64"],"cpu_shares":[3,"int64"],"memory_limit_in_bytes":[4,"int64"],"oom_score_adj":[5,"int64"],"cpuset_cpus":[6,"string"],"cpuset_mems":[7,"string"],"hugepage_limits":[8,"HugepageLimit","repeated"],"unified":[9,"map<string,string>"],"memory_swap_limit_in_bytes":[10,"int64"]},
  'LinuxContainerSecurityContext': {"capabilities":[1,"Capability"],"privileged":[2,"bool"],"namespace_options":[3,"NamespaceOption"],"selinux_options":[4,"SELinuxOption"],"run_as_user":[5,"Int64Value"],"run_as_group":[12,"Int64Value"],"run_as_username":[6,"string"],"readonly_rootfs":[7,"bool"],"supplemental_groups":[8,"int64","repeated"],"supplemental_groups_policy":[17,"SupplementalGroupsPolicy"],"no_new_privs":[11,"bool"],"masked_paths":[13,"string","repeated"],"readonly_paths":[14,"string","repeated"],"seccomp":[15,"SecurityProfile"],"apparmor":[16,"SecurityProfile"],"apparmor_profile":[9,"string"],"seccomp_profile_path":[10,"string"]},
  'LinuxContainerUser': {"uid":[1,"int64"],"gid":[2,"int64"],"supplemental_groups":[3,"int64","repeated"]},
  'LinuxPodSandboxConfig': {"cgroup_parent":[1,"string"],"security_context":[2,"LinuxSandboxSecurityContext"],"sysctls":[3,"map<string,string>"],"overhead":[4,"LinuxContainerResources"],"resources":[5,"LinuxContainerResources"]},
  'LinuxPodSandboxStats': {"cpu":[1,"CpuUsage"],"memory":[2,"MemoryUsage"],"network":[3,"NetworkUsage"],"process":[4,"ProcessUsage"],"containers":[5,"ContainerStats","repeated"],"io":[6,"IoUsage"]},
  'LinuxPodSandboxStatus': {"namespaces":[1,"Namespace"]},
  'LinuxRuntimeConfiguration': {"cgroup_driver":[1,"CgroupDriver"]},
  'LinuxSandboxSecurityContext': {"namespace_options":[1,"NamespaceOption"],"selinux_options":[2,"SELinuxOption"],"run_as_user":[3,"Int64Value"],"run_as_group":[8,"Int64Value"],"readonly_rootfs":[4,"bool"],"supplemental_groups":[5,"int64","repeated"],"supplemental_groups_policy":[11,"SupplementalGroupsPolicy"],"privileged":[6,"bool"],"seccomp":[9,"SecurityProfile"],"apparmor":[10,"SecurityProfile"],"seccomp_profile_path":[7,"string"]},
  'ListContainerStatsRequest': {"filter":[1,"ContainerStatsFilter"]},
  'ListContainerStatsResponse': {"stats":[1,"ContainerStats","repeated"]},
  'ListContainersRequest': {"filter":[1,"ContainerFilter"]},
  'ListContainersResponse': {"containers":[1,"Container","repeated"]},
  'ListImagesRequest': {"filter":[1,"ImageFilter"]},
  'ListImagesResponse': {"images":[1,"Image","repeated"]},
  'ListPodSandboxRequest': {"filter":[1,"PodSandboxFilter"]},
  'ListPodSandboxResponse': {"items":[1,"PodSandbox","repeated"]},
  'ListPodSandboxStatsRequest': {"filter":[1,"PodSandboxStatsFilter"]},
  'ListPodSandboxStatsResponse': {"stats":[1,"PodSandboxStats","repeated"]},
  'MemoryUsage': {"timestamp":[1,"int64"],"working_set_bytes":[2,"UInt64Value"],"available_bytes":[3,"UInt64Value"],"usage_bytes":[4,"UInt64Value"],"rss_bytes":[5,"UInt64Value"],"page_faults":[6,"UInt64Value"],"major_page_faults":[7,"UInt64Value"],"psi":[8,"PsiStats"]},
  'Mount': {"container_path":[1,"string"],"host_path":[2,"string"],"readonly":[3,"bool"],"selinux_relabel":[4,"bool"],"propagation":[5,"MountPropagation"],"uidMappings":[6,"IDMapping","repeated"],"gidMappings":[7,"IDMapping","repeated"],"recursive_read_only":[8,"bool"],"image":[9,"ImageSpec"],"image_sub_path":[10,"string"]},
  'MountPropagation': {"enum":{"PROPAGATION_PRIVATE":0,"PROPAGATION_HOST_TO_CONTAINER":1,"PROPAGATION_BIDIRECTIONAL":2}},
  'Namespace': {"options":[2,"NamespaceOption"]},
  'NamespaceMode': {"enum":{"POD":0,"CONTAINER":1,"NODE":2,"TARGET":3}},
  'NamespaceOption': {"network":[1,"NamespaceMode"],"pid":[2,"NamespaceMode"],"ipc":[3,"NamespaceMode"],"target_id":[4,"string"],"userns_options":[5,"UserNamespace"]},
  'NetworkConfig': {"pod_cidr":[1,"string"]},
  'NetworkInterfaceUsage': {"name":[1,"string"],"rx_bytes":[2,"UInt64Value"],"rx_errors":[3,"UInt64Value"],"tx_bytes":[4,"UInt64Value"],"tx_errors":[5,"UInt64Value"]},
  'NetworkUsage': {"timestamp":[1,"int64"],"default_interface":[2,"NetworkInterfaceUsage"],"interfaces":[3,"NetworkInterfaceUsage","repeated"]},
  'PodIP': {"ip":[1,"string"]},
  'PodSandbox': {"id":[1,"string"],"metadata":[2,"PodSandboxMetadata"],"state":[3,"PodSandboxState"],"created_at":[4,"int64"],"labels":[5,"map<string,string>"],"annotations":[6,"map<string,string>"],"runtime_handler":[7,"string"]},
  'PodSandboxAttributes': {"id":[1,"string"],"metadata":[2,"PodSandboxMetadata"],"labels":[3,"map<string,string>"],"annotations":[4,"map<string,string>"]},
  'PodSandboxConfig': {"metadata":[1,"PodSandboxMetadata"],"hostname":[2,"string"],"log_directory":[3,"string"],"dns_config":[4,"DNSConfig"],"port_mappings":[5,"PortMapping","repeated"],"labels":[6,"map<string,string>"],"annotations":[7,"map<string,string>"],"linux":[8,"LinuxPodSandboxConfig"]},
  'PodSandboxFilter': {"id":[1,"string"],"state":[2,"PodSandboxStateValue"],"label_selector":[3,"map<string,string>"]},
  'PodSandboxMetadata': {"name":[1,"string"],"uid":[2,"string"],"namespace":[3,"string"],"attempt":[4,"uint32"]},
  'PodSandboxNetworkStatus': {"ip":[1,"string"],"additional_ips":[2,"PodIP","repeated"]},
  'PodSandboxState': {"enum":{"SANDBOX_READY":0,"SANDBOX_NOTREADY":1}},
  'PodSandboxStateValue': {"state":[1,"PodSandboxState"]},
  'PodSandboxStats': {"attributes":[1,"PodSandboxAttributes"],"linux":[2,"LinuxPodSandboxStats"]},
  'PodSandboxStatsFilter': {"id":[1,"string"],"label_selector":[2,"map<string,string>"]},
  'PodSandboxStatsRequest': {"pod_sandbox_id":[1,"string"]},
  'PodSandboxStatsResponse': {"stats":[1,"PodSandboxStats"]},
  'PodSandboxStatus': {"id":[1,"string"],"metadata":[2,"PodSandboxMetadata"],"state":[3,"PodSandboxState"],"created_at":[4,"int64"],"network":[5,"PodSandboxNetworkStatus"],"linux":[6,"LinuxPodSandboxStatus"],"labels":[7,"map<string,string>"],"annotations":[8,"map<string,string>"],"runtime_handler":[9,"string"]},
  'PodSandboxStatusRequest': {"pod_sandbox_id":[1,"string"],"verbose":[2,"bool"]},
  'PodSandboxStatusResponse': {"status":[1,"PodSandboxStatus"],"info":[2,"map<string,string>"],"containers_statuses":[3,"ContainerStatus","repeated"],"timestamp":[4,"int64"]},
  'PortForwardRequest': {"pod_sandbox_id":[1,"string"],"port":[2,"int32","repeated"]},
  'PortForwardResponse': {"url":[1,"string"]},
  'PortMapping': {"protocol":[1,"Protocol"],"container_port":[2,"int32"],"host_port":[3,"int32"],"host_ip":[4,"string"]},
  'ProcessUsage': {"timestamp":[1,"int64"],"process_count":[2,"UInt64Value"]},
  'Protocol': {"enum":{"TCP":0,"UDP":1,"SCTP":2}},
  'PsiData': {"Total":[1,"uint64"],"Avg10":[2,"double"],"Avg60":[3,"double"],"Avg300":[4,"double"]},
  'PsiStats': {"Full":[1,"PsiData"],"Some":[2,"PsiData"]},
  'PullImageRequest': {"image":[1,"ImageSpec"],"auth":[2,"AuthConfig"],"sandbox_config":[3,"PodSandboxConfig"]},
  'PullImageResponse': {"image_ref":[1,"string"]},
  'RemoveContainerRequest': {"container_id":[1,"string"]},
  'RemoveContainerResponse': {},
  'RemoveImageRequest': {"image":[1,"ImageSpec"]},
  'RemoveImageResponse': {},
  'RemovePodSandboxRequest': {"pod_sandbox_id":[1,"string"]},
  'RemovePodSandboxResponse': {},
  'ReopenContainerLogRequest': {"container_id":[1,"string"]},
  'ReopenContainerLogResponse': {},
  'RunPodSandboxRequest': {"config":[1,"PodSandboxConfig"],"runtime_handler":[2,"string"]},
  'RunPodSandboxResponse': {"pod_sandbox_id":[1,"string"]},
  'RuntimeCondition': {"type":[1,"string"],"status":[2,"bool"],"reason":[3,"string"],"message":[4,"string"]},
  'RuntimeConfig': {"network_config":[1,"NetworkConfig"]},
  'RuntimeConfigRequest': {},
  'RuntimeConfigResponse': {"linux":[1,"LinuxRuntimeConfiguration"]},
  'RuntimeFeatures': {"supplemental_groups_policy":[1,"bool"],"user_namespaces_host_network":[2,"bool"]},
  'RuntimeHandler': {"name":[1,"string"],"features":[2,"RuntimeHandlerFeatures"]},
  'RuntimeHandlerFeatures': {"recursive_read_only_mounts":[1,"bool"],"user_namespaces":[2,"bool"]},
  'RuntimeStatus': {"conditions":[1,"RuntimeCondition","repeated"]},
  'SELinuxOption': {"user":[1,"string"],"role":[2,"string"],"type":[3,"string"],"level":[4,"string"]},
  'SecurityProfile': {"profile_type":[1,"ProfileType"],"localhost_ref":[2,"string"]},
  'SecurityProfile.ProfileType': {"enum":{"RuntimeDefault":0,"Unconfined":1,"Localhost":2}},
  'Signal': {"enum":{"RUNTIME_DEFAULT":0,"SIGABRT":1,"SIGALRM":2,"SIGBUS":3,"SIGCHLD":4,"SIGCLD":5,"SIGCONT":6,"SIGFPE":7,"SIGHUP":8,"SIGILL":9,"SIGINT":10,"SIGIO":11,"SIGIOT":12,"SIGKILL":13,"SIGPIPE":14,"SIGPOLL":15,"SIGPROF":16,"SIGPWR":17,"SIGQUIT":18,"SIGSEGV":19,"SIGSTKFLT":20,"SIGSTOP":21,"SIGSYS":22,"SIGTERM":23,"SIGTRAP":24,"SIGTSTP":25,"SIGTTIN":26,"SIGTTOU":27,"SIGURG":28,"SIGUSR1":29,"SIGUSR2":30,"SIGVTALRM":31,"SIGWINCH":32,"SIGXCPU":33,"SIGXFSZ":34,"SIGRTMIN":35,"SIGRTMINPLUS1":36,"SIGRTMINPLUS2":37,"SIGRTMINPLUS3":38,"SIGRTMINPLUS4":39,"SIGRTMINPLUS5":40,"SIGRTMINPLUS6":41,"SIGRTMINPLUS7":42,"SIGRTMINPLUS8":43,"SIGRTMINPLUS9":44,"SIGRTMINPLUS10":45,"SIGRTMINPLUS11":46,"SIGRTMINPLUS12":47,"SIGRTMINPLUS13":48,"SIGRTMINPLUS14":49,"SIGRTMINPLUS15":50,"SIGRTMAXMINUS14":51,"SIGRTMAXMINUS13":52,"SIGRTMAXMINUS12":53,"SIGRTMAXMINUS11":54,"SIGRTMAXMINUS10":55,"SIGRTMAXMINUS9":56,"SIGRTMAXMINUS8":57,"SIGRTMAXMINUS7":58,"SIGRTMAXMINUS6":59,"SIGRTMAXMINUS5":60,"SIGRTMAXMINUS4":61,"SIGRTMAXMINUS3":62,"SIGRTMAXMINUS2":63,"SIGRTMAXMINUS1":64,"SIGRTMAX":65}},
  'StartContainerRequest': {"container_id":[1,"string"]},
  'StartContainerResponse': {},
  'StatusRequest': {"verbose":[1,"bool"]},
  'StatusResponse': {"status":[1,"RuntimeStatus"],"info":[2,"map<string,string>"],"runtime_handlers":[3,"RuntimeHandler","repeated"],"features":[4,"RuntimeFeatures"]},
  'StopContainerRequest': {"container_id":[1,"string"],"timeout":[2,"int64"]},
  'StopContainerResponse': {},
  'StopPodSandboxRequest': {"pod_sandbox_id":[1,"string"]},
  'StopPodSandboxResponse': {},
  'SupplementalGroupsPolicy': {"enum":{"Merge":0,"Strict":1}},
  'SwapUsage': {"timestamp":[1,"int64"],"swap_available_bytes":[2,"UInt64Value"],"swap_usage_bytes":[3,"UInt64Value"]},
  'UInt64Value': {"value":[1,"uint64"]},
  'UpdateContainerResourcesRequest': {"container_id":[1,"string"],"linux":[2,"LinuxContainerResources"],"annotations":[4,"map<string,string>"]},
  'UpdateContainerResourcesResponse': {},
  'UpdateRuntimeConfigRequest': {"runtime_config":[1,"RuntimeConfig"]},
  'UpdateRuntimeConfigResponse': {},
  'UserNamespace': {"mode":[1,"NamespaceMode"],"uids":[2,"IDMapping","repeated"],"gids":[3,"IDMapping","repeated"]},
  'VersionRequest': {"version":[1,"string"]},
  'VersionResponse': {"version":[1,"string"],"runtime_name":[2,"string"],"runtime_version":[3,"string"],"runtime_api_version":[4,"string"]},
  'RuntimeService': {"service":{"Version":["VersionRequest","VersionResponse",""],"Status":["StatusRequest","StatusResponse",""],"RuntimeConfig":["RuntimeConfigRequest","RuntimeConfigResponse",""],"UpdateRuntimeConfig":["UpdateRuntimeConfigRequest","UpdateRuntimeConfigResponse",""],"RunPodSandbox":["RunPodSandboxRequest","RunPodSandboxResponse",""],"StopPodSandbox":["StopPodSandboxRequest","StopPodSandboxResponse",""],"RemovePodSandbox":["RemovePodSandboxRequest","RemovePodSandboxResponse",""],"PodSandboxStatus":["PodSandboxStatusRequest","PodSandboxStatusResponse",""],"ListPodSandbox":["ListPodSandboxRequest","ListPodSandboxResponse",""],"CreateContainer":["CreateContainerRequest","CreateContainerResponse",""],"StartContainer":["StartContainerRequest","StartContainerResponse",""],"StopContainer":["StopContainerRequest","StopContainerResponse",""],"RemoveContainer":["RemoveContainerRequest","RemoveContainerResponse",""],"ListContainers":["ListContainersRequest","ListContainersResponse",""],"ContainerStatus":["ContainerStatusRequest","ContainerStatusResponse",""],"UpdateContainerResources":["UpdateContainerResourcesRequest","UpdateContainerResourcesResponse",""],"ReopenContainerLog":["ReopenContainerLogRequest","ReopenContainerLogResponse",""],"ExecSync":["ExecSyncRequest","ExecSyncResponse",""],"Exec":["ExecRequest","ExecResponse",""],"Attach":["AttachRequest","AttachResponse",""],"PortForward":["PortForwardRequest","PortForwardResponse",""],"ListContainerStats":["ListContainerStatsRequest","ListContainerStatsResponse",""],"PodSandboxStats":["PodSandboxStatsRequest","PodSandboxStatsResponse",""],"ListPodSandboxStats":["ListPodSandboxStatsRequest","ListPodSandboxStatsResponse",""],"GetContainerEvents":["GetEventsRequest","ContainerEventResponse","server-stream"]}},
  'ImageService': {"service":{"ListImages":["ListImagesRequest","ListImagesResponse",""],"ImageStatus":["ImageStatusRequest","ImageStatusResponse",""],"PullImage":["PullImageRequest","PullImageResponse",""],"RemoveImage":["RemoveImageRequest","RemoveImageResponse",""],"ImageFsInfo":["ImageFsInfoRequest","ImageFsInfoResponse",""]}},
} as const
