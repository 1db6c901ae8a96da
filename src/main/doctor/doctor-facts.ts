import type { MachineFacts, Shortage } from '#node'
import type { Instance } from '../instance/instance.ts'
import type { NeededProgram } from '../machine/packages.ts'
import type { Listener, WantedPort } from './ports.ts'

/** What is asked about. */
export interface Examined {
  readonly stateDir: string
  /** Undefined: none is there, and one with the usual settings is asked about. */
  readonly instance: Instance | undefined
  readonly containerdDir: string | undefined
  /** Of a cluster to come: its nodes have a network of their own. */
  readonly isIsolated: boolean
}

/** Everything that `diagnose` judges: the machine at one moment, and the cluster that is, or would be, on it. */
export interface DoctorFacts {
  readonly machine: MachineFacts
  /** Of `up`'s own list. */
  readonly missing: readonly NeededProgram[]
  /** `up` can bring what is missing. */
  readonly canInstall: boolean
  readonly architecture: string
  /** By what is tried: undefined where the kernel takes it, else what it says. Undefined as a whole where it could not be tried. */
  readonly trials: Trials | undefined
  readonly hasIPv6: boolean
  readonly wantsIPv6: boolean
  readonly hasSctp: boolean
  readonly filtersBridges: boolean
  readonly hasHurrySwitch: boolean
  readonly volumeFilesystem: string
  readonly hasLoopDevices: boolean
  readonly runtime: RuntimeFacts
  readonly gateway: GatewayFacts
  readonly shortages: readonly Shortage[]
  readonly room: { readonly dir: string; readonly diskBytes: number; readonly memoryBytes: number }
  readonly listeners: readonly Listener[]
  readonly wantedPorts: readonly WantedPort[]
}

export const TRIALS = ['pod links', 'pod rules', 'services', 'policies', 'overlay', 'host ports', 'bandwidth'] as const
export type Trials = Readonly<Record<(typeof TRIALS)[number], string | undefined>>

export interface RuntimeFacts {
  /** As they say it themselves; undefined where there is none. */
  readonly containerd: string | undefined
  readonly runc: string | undefined
  readonly userNamespaces: boolean
  readonly recursiveReadOnlyMounts: boolean
  readonly supplementalGroupsPolicy: boolean
  /** It runs and has told so; otherwise it is what programs of these versions tell. */
  readonly told: boolean
}

export interface GatewayFacts {
  readonly isWanted: boolean
  /** Undefined where it is not installed. */
  readonly version: string | undefined
  readonly speaksLua: boolean
}
