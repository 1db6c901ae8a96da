import type { core } from '#api'
import type { AlignmentOptions } from './alignment/node-alignment.ts'
import type { EvictionOptions } from './eviction/evictor.ts'
import type { Reserved } from './node-object/node-resources.ts'
import type { PodNetwork } from './pods/services.ts'
import type { ShutdownGroup } from './shutdown/plan-shutdown.ts'

export interface NodeAgentOptions {
  readonly nodeName: string
  /** First the primary one. */
  readonly nodeIps: readonly string[]
  readonly clusterDns: readonly string[]
  readonly clusterDomain: string
  /** Absent: the Node's `spec.podCIDR` says it, once somebody has given it. */
  readonly podCidrs?: readonly string[]
  /** The port of the agent's own HTTPS API, as told in the Node. */
  readonly port: number
  /** The version that the Node shows. */
  readonly version: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly core.Taint[]
  readonly maxPods?: number
  /** Kept from pods for the node's own programs. */
  readonly reserved?: Reserved
  readonly alignment?: AlignmentOptions
  /** Most processes of one pod; 0 is no limit of its own. */
  readonly podPidsLimit?: number
  /** How long pods get when the machine goes down; without groups nobody waits for them. */
  readonly shutdownGroups?: readonly ShutdownGroup[]
  /** How often the Lease is renewed. */
  readonly beatMs?: number
  readonly leaseSeconds?: number
  readonly logMaxBytes?: number
  readonly logMaxFiles?: number
  readonly eviction?: EvictionOptions
  /** Names may end in `*`. */
  readonly allowedUnsafeSysctls?: readonly string[]
  /** Files in it are pods of this node. */
  readonly staticPodsDir?: string
  /** Without it nobody is waited for. */
  readonly network?: PodNetwork
  /** Called when the node has been taken out of the cluster for good. */
  readonly onRemoved?: () => void
}
