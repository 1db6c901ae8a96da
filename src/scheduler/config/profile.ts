import type { core } from '#api'
import type { ExtenderConfig } from '../extenders/extender-config.ts'
import { type ChosenPlugins, choosePlugins } from './plugin-sets.ts'

/** One way of scheduling, under the name by which pods ask for it. What is left out is Kubernetes' default. */
export interface Profile {
  readonly schedulerName: string
  /** How many nodes are compared, in percent of all; 0 or absent: the fewer the more there are. */
  readonly percentageOfNodesToScore?: number
  readonly plugins: ChosenPlugins
  readonly fit: FitArgs
  /** What the balance is made of. */
  readonly balanced: readonly WeightedResource[]
  readonly podAffinity: { readonly hardWeight: number; readonly ignorePreferredOfExisting: boolean }
  readonly spread: { readonly defaults: readonly core.TopologySpreadConstraint[] | 'system' }
  readonly addedAffinity?: core.NodeAffinity
  readonly preemption: { readonly minCandidatePercent: number; readonly minCandidates: number }
  /** How long a pod that has a node waits for its volumes. */
  readonly volumes: { readonly bindTimeoutMs: number }
  /** How long devices for a pod are looked for on a node (0: as long as it takes), and how long a pod that has them waits for them to be ready. */
  readonly devices: { readonly filterTimeoutMs: number; readonly bindTimeoutMs: number }
}

export interface WeightedResource {
  readonly name: string
  readonly weight: number
}
export interface FitArgs {
  readonly ignoredResources: ReadonlySet<string>
  /** Domains of resources: `example.com`. */
  readonly ignoredGroups: ReadonlySet<string>
  readonly strategy: ScoringStrategy
}
export interface ScoringStrategy {
  readonly type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio'
  readonly resources: readonly WeightedResource[]
  /** Utilization in percent, scores up to 10, ascending; for RequestedToCapacityRatio. */
  readonly shape: readonly { readonly utilization: number; readonly score: number }[]
}

export const DEFAULT_SCHEDULER = 'default-scheduler'
export const CPU_AND_MEMORY: readonly WeightedResource[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]

export function defaultProfile(schedulerName: string = DEFAULT_SCHEDULER): Profile {
  return {
    schedulerName,
    plugins: choosePlugins({}),
    fit: {
      ignoredResources: new Set(),
      ignoredGroups: new Set(),
      strategy: { type: 'LeastAllocated', resources: CPU_AND_MEMORY, shape: [] },
    },
    balanced: CPU_AND_MEMORY,
    podAffinity: { hardWeight: 1, ignorePreferredOfExisting: false },
    spread: { defaults: 'system' },
    preemption: { minCandidatePercent: 10, minCandidates: 100 },
    volumes: { bindTimeoutMs: 600_000 },
    devices: { filterTimeoutMs: 10_000, bindTimeoutMs: 600_000 },
  }
}

export interface SchedulerConfig {
  /** Servers of others that have a say in every profile. */
  readonly extenders?: readonly ExtenderConfig[]
  readonly profiles: readonly Profile[]
  readonly firstBackOffMs: number
  readonly longestBackOffMs: number
}

export function defaultConfig(): SchedulerConfig {
  return { profiles: [defaultProfile()], firstBackOffMs: 1000, longestBackOffMs: 10_000 }
}
