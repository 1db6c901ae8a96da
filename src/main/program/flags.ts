import type { ListenAddress } from '#base'
import { type IpFamily } from '#api'
import type { Failover } from './failover.ts'
import type { NetworkMode } from '../instance/instance.ts'
import type { AuditWebhookFlags, AuthenticationSources, AuthorizationSources } from '#apiserver'
import type { RoomFlags } from './room-flags.ts'
import type { ListName } from '#compose'

/** What the commands are told, as the command line gives it. */
export interface InstanceFlags {
  readonly name: string
  readonly stateDir?: string
}
export interface ExplainFlags extends InstanceFlags {
  readonly namespace: string
  readonly kubeconfig?: string
  readonly config?: string
  readonly output: 'text' | 'json'
}
export interface DoctorFlags extends InstanceFlags {
  readonly isolated: boolean
  readonly containerd?: string
  readonly output: 'text' | 'json'
}
export interface UpFlags extends InstanceFlags {
  readonly securePort?: number
  readonly isolated: boolean
  /** As many nodes as there are, or one, when absent. */
  readonly nodes?: number
  readonly network?: NetworkMode
  /** Absent: as before; `default`: our own. */
  readonly cniConfig?: string
  /** Absent: as before, or IPv4. */
  readonly ipFamilies?: readonly IpFamily[]
  readonly example: boolean
  /** True: from now on. Absent: as before. */
  readonly gateway?: boolean
  /** True: from now on. Absent: as before. */
  readonly delivery?: boolean
  /** Absent: as before. */
  readonly failover?: Failover
  /** Absent: as before. */
  readonly containerd?: string
}

export interface DeliveryFlags {
  readonly kubeconfig: string
  readonly leaderElect: boolean
  readonly healthAddress?: ListenAddress
  readonly waitForServer: boolean
  readonly logLevel: LogLevelFlag
}

export interface TokenCreateFlags extends InstanceFlags {
  /** A duration as Go writes it. */
  readonly ttl: string
  readonly description?: string
  readonly printJoinCommand: boolean
}

export interface JoinFlags extends InstanceFlags {
  readonly token: string
  readonly discoveryTokenCaCertHash: readonly string[]
  readonly nodeName?: string
  readonly nodeIp?: string
  readonly containerd?: string
}

export interface NodeFlags extends InstanceFlags {
  readonly kubeconfig?: string
}
export interface DrainFlags extends NodeFlags {
  readonly preview: boolean
  readonly force: boolean
  readonly deleteEmptydirData: boolean
  /** A duration as Go writes it. */
  readonly timeout: string
}

export interface GatewayFlags {
  readonly kubeconfig: string
  readonly stateDir: string
  readonly address: string
  readonly ownAddress: readonly string[]
  readonly httpPort: number
  readonly httpsPort: number
  readonly netns?: string
  readonly measurePort?: number
  readonly logLevel: LogLevelFlag
}

export interface ReleaseFlags extends InstanceFlags {
  readonly namespace: string
  readonly kubeconfig?: string
}

export interface ReleaseStartFlags extends ReleaseFlags {
  readonly file?: string
  readonly deployment?: string
  readonly image: readonly string[]
  readonly service?: string
  readonly ingress?: string
  readonly httpRoute?: string
  readonly strategy: 'Standard' | 'Rolling' | 'BlueGreen' | 'Canary' | 'Batches'
  readonly weights: readonly number[]
  readonly batches: number
  readonly promotion: 'Automatic' | 'Manual'
}

export interface ReleasePromoteFlags extends ReleaseFlags {
  readonly full: boolean
}

export interface BreakerFlags extends InstanceFlags {
  readonly namespace: string
  readonly kubeconfig?: string
  readonly yes: boolean
}

export interface AgentFlags extends RoomFlags {
  readonly kubeconfig: string
  readonly nodeName: string
  readonly nodeIp?: readonly string[]
  readonly instance: string
  readonly rootDir: string
  readonly podCidr?: readonly string[]
  readonly network: NetworkMode
  readonly cniConfig?: string
  readonly clusterCidr: readonly string[]
  readonly podNetwork: readonly string[]
  readonly sandboxImage: string
  readonly netns?: string
  readonly containerd?: string
  readonly clusterDns: readonly string[]
  readonly tlsCertFile?: string
  readonly tlsPrivateKeyFile?: string
  readonly clientCaFile?: string
  readonly certDir?: string
  readonly proxyKubeconfig?: string
  readonly proxyTable: string
  readonly policyTable: string
  readonly announceInterface: string
  readonly loadBalancerPool?: string
  readonly dnsAddress?: readonly string[]
  readonly podManifestPath?: string
  readonly allowedUnsafeSysctls: string
  readonly evictionHard?: string
  readonly evictionSoft: string
  readonly evictionSoftGracePeriod: string
  readonly evictionMaxPodGracePeriod: number
  readonly evictionPressureTransitionPeriod: number
  readonly releaseOnStop: boolean
  readonly failover: Failover
  readonly waitForServer: boolean
  readonly logLevel: LogLevelFlag
}

export interface PartFlags {
  /** The scheduler's configuration may name it, too. */
  readonly kubeconfig?: string
  readonly config?: string
  readonly leaderElect: boolean
  readonly logLevel: LogLevelFlag
}

export interface SimulateFlags {
  readonly kubeconfig: string
  readonly nodes: number
  readonly podsPerNode: number
  readonly nodeCpu: string
  readonly nodeMemory: string
  readonly jobSeconds: number
  readonly taint: boolean
  readonly logLevel: LogLevelFlag
}

/** What the API server is told about its records, beyond where it lies and listens. */
export interface AuditFlags extends AuditWebhookFlags {
  readonly auditPolicyFile?: string
  readonly auditLogPath?: string
  /** Megabytes. */
  readonly auditLogMaxsize: number
  readonly auditLogMaxbackup: number
  /** Days. */
  readonly auditLogMaxage: number
}

/** Who may send tokens beside the cluster's own, and who may come without. */
export type AuthenticationFlags = Omit<AuthenticationSources, 'ownIssuers'>

/** Where etcd is, for `--store etcd`. The names are those of kube-apiserver. */
export interface EtcdFlags {
  readonly etcdServers?: readonly string[]
  readonly etcdCafile?: string
  readonly etcdCertfile?: string
  readonly etcdKeyfile?: string
}

export interface ServerFlags extends AuditFlags, AuthenticationFlags, AuthorizationSources, EtcdFlags {
  readonly stateDir: string
  readonly securePort: number
  readonly bindAddress: string
  readonly advertiseAddress?: string
  readonly store: 'sqlite' | 'etcd' | 'memory'
  readonly tokenAuthFile?: string
  readonly encryptionProviderConfig?: string
  readonly encryptionProviderConfigAutomaticReload?: boolean
  readonly tracingConfigFile?: string
  readonly serviceClusterIpRange: string
  readonly metrics: boolean
  readonly failover: Failover
  readonly clusterCidr?: string
  readonly nodeCidrMaskSize?: number
  readonly nodeCidrMaskSizeIpv4?: number
  readonly nodeCidrMaskSizeIpv6?: number
  readonly podRoutesInterface?: string
  readonly loadBalancerPool?: string
  readonly node: readonly string[]
  readonly schedulerConfig?: string
  readonly logLevel: LogLevelFlag
}
export interface ComposeFlags extends InstanceFlags {
  readonly kubeconfig?: string
  readonly namespace?: string
  readonly file: readonly string[]
  readonly profile: readonly string[]
  readonly envFile: readonly string[]
  readonly projectName?: string
  readonly projectDirectory?: string
}

export interface ComposeConfigFlags extends ComposeFlags, Readonly<Record<ListName, boolean>> {
  readonly format: 'yaml' | 'json'
  readonly quiet: boolean
}
export interface ComposeUpFlags extends ComposeFlags {
  readonly detach: boolean
  /** Seconds. */
  readonly timeout: number
}
export interface ComposeDownFlags extends ComposeFlags {
  readonly volumes: boolean
}
export interface ComposeLogsFlags extends ComposeFlags {
  readonly follow: boolean
  readonly tail: string
}
export interface AppFlags extends InstanceFlags {
  readonly kubeconfig?: string
  readonly namespace?: string
}
export type AppListFlags = AppFlags
export interface AppChangeFlags extends AppFlags {
  readonly dryRun: boolean
  readonly detach: boolean
  /** Seconds. */
  readonly timeout: number
}
export interface AppApplyFlags extends AppChangeFlags {
  readonly cause?: string
  readonly file: readonly string[]
}
export interface AppRollbackFlags extends AppChangeFlags {
  readonly cause?: string
  readonly to?: number
}
export interface AppSuspendFlags extends AppChangeFlags {
  readonly requests: 'refuse' | 'hold'
}
export interface AppDeleteFlags extends AppFlags {
  readonly volumes: boolean
  readonly dryRun: boolean
  /** Seconds. */
  readonly timeout: number
}
export type LogLevelFlag = 'debug' | 'info' | 'warn' | 'error'
