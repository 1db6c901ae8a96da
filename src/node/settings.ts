import type { HugePages } from './node-object/facts.ts'
import type { Machine } from './host/machine/machine.ts'
import type { KubeletPaths } from './plugins/kubelet-paths.ts'

/** What a node agent is told once. Paths are absolute. */
export interface NodeSettings {
  readonly nodeName: string
  /** First the primary one. */
  readonly nodeIps: readonly string[]
  readonly clusterDns: readonly string[]
  readonly clusterDomain: string
  /** Volumes and files of pods: `<podsDir>/<uid>`. */
  readonly podsDir: string
  /** `<logsDir>/<namespace>_<name>_<uid>/<container>/<n>.log`. */
  readonly logsDir: string
  /** Localhost seccomp profiles are files below it. */
  readonly seccompDir: string
  /** The filter of sandboxes' own process; without it the runtime's default. */
  readonly pauseSeccomp?: string
  /** The administrator's own chain of CNI plugins makes the pods' network. */
  readonly isOwnChain: boolean
  /** All pods' cgroups lie below it. */
  readonly cgroupRoot: string
  readonly machine: Machine
  /** Beside the safe ones; a name may end in `*`. */
  readonly allowedSysctls: readonly string[]
  readonly memoryBytes: number
  readonly hugePages: readonly HugePages[]
  readonly allocatable: { readonly cpuMilli: number; readonly memoryBytes: number; readonly ephemeralStorageBytes: number }
  readonly logMaxBytes: number
  readonly logMaxFiles: number
  /** What pods call `/var/lib/kubelet` is this node's directory. */
  readonly kubelet: KubeletPaths
}
