/** The extension points whose plugins a profile can choose here, besides `multiPoint`, which stands for all that a plugin has. */
export type Point = 'filter' | 'score' | 'postFilter'

export const DYNAMIC_RESOURCES = 'DynamicResources'
export const DEFAULT_PREEMPTION = 'DefaultPreemption'

/** The plugins that are on by default, in their order: where they have a say, and with what weight. */
const DEFAULTS: readonly { readonly name: string; readonly points: readonly Point[]; readonly weight?: number }[] = [
  { name: 'SchedulingGates', points: [] },
  { name: 'PrioritySort', points: [] },
  { name: 'NodeUnschedulable', points: ['filter'] },
  { name: 'NodeName', points: ['filter'] },
  { name: 'TaintToleration', points: ['filter', 'score'], weight: 3 },
  { name: 'NodeAffinity', points: ['filter', 'score'], weight: 2 },
  { name: 'NodePorts', points: ['filter'] },
  { name: 'NodeResourcesFit', points: ['filter', 'score'], weight: 1 },
  { name: 'VolumeRestrictions', points: ['filter'] },
  { name: 'NodeVolumeLimits', points: ['filter'] },
  { name: 'VolumeBinding', points: ['filter', 'score'] },
  { name: 'VolumeZone', points: ['filter'] },
  { name: 'PodTopologySpread', points: ['filter', 'score'], weight: 2 },
  { name: 'InterPodAffinity', points: ['filter', 'score'], weight: 2 },
  { name: DYNAMIC_RESOURCES, points: ['filter', 'score', 'postFilter'], weight: 2 },
  { name: DEFAULT_PREEMPTION, points: ['postFilter'] },
  { name: 'NodeResourcesBalancedAllocation', points: ['score'], weight: 1 },
  { name: 'ImageLocality', points: ['score'], weight: 1 },
  { name: 'DefaultBinder', points: [] },
  { name: 'NodeDeclaredFeatures', points: ['filter'] },
]
/** Without these a profile is none, or promises what nobody keeps. */
export const FIXED: readonly string[] = ['SchedulingGates', 'PrioritySort', DYNAMIC_RESOURCES, 'DefaultBinder']

const ALL = '*'

export const isPlugin = (name: string): boolean => DEFAULTS.some((one) => one.name === name)
export const has = (name: string, point: Point): boolean => DEFAULTS.some((one) => one.name === name && one.points.includes(point))

export interface WeightedPlugin {
  readonly name: string
  /** 0 or absent: 1. */
  readonly weight?: number
}

/** What a configuration says about one extension point. */
export interface PluginSet {
  readonly enabled: readonly WeightedPlugin[]
  /** Names, or `*`. */
  readonly disabled: readonly string[]
}

/** The plugins of a profile at each point, in their order. */
export interface ChosenPlugins {
  /** In this order they find out what is wrong with a pod wherever it would go, though they may not be asked about nodes. */
  readonly preparing: readonly string[]
  readonly filters: readonly string[]
  readonly scores: readonly (WeightedPlugin & { readonly weight: number })[]
  readonly postFilters: readonly string[]
}

const NOTHING: PluginSet = { enabled: [], disabled: [] }

/**
 * The defaults with what is said about all points, then, at each, what is said about it: those that are named there as well as in general come
 * first, in the order that is given there, then the others in general, then those that are named there alone.
 */
export function choosePlugins(said: Partial<Record<Point | 'multiPoint', PluginSet>>): ChosenPlugins {
  const general = merge(said.multiPoint ?? NOTHING)
  const at = (point: Point): readonly WeightedPlugin[] => {
    const { enabled, disabled } = said[point] ?? NOTHING
    if (disabled.includes(ALL)) return enabled
    const others = general.filter(({ name }) => has(name, point) && !disabled.includes(name))
    const inGeneral = (one: WeightedPlugin): boolean => others.some(({ name }) => name === one.name)
    const isNamed = (one: WeightedPlugin): boolean => enabled.some(({ name }) => name === one.name)
    return [...enabled.filter(inGeneral), ...others.filter((one) => !isNamed(one)), ...enabled.filter((one) => !inGeneral(one))]
  }
  return {
    preparing: general.map(({ name }) => name),
    filters: at('filter').map(({ name }) => name),
    scores: at('score').map(({ name, weight = 0 }) => ({ name, weight: weight === 0 ? 1 : weight })),
    postFilters: at('postFilter').map(({ name }) => name),
  }
}

/** Defaults that are named again are replaced where they are. */
function merge({ enabled, disabled }: PluginSet): readonly WeightedPlugin[] {
  const kept = disabled.includes(ALL) ? [] : DEFAULTS.filter(({ name }) => !disabled.includes(name))
  const replaced = kept.map((one) => enabled.find(({ name }) => name === one.name) ?? one)
  return [...replaced, ...enabled.filter(({ name }) => !kept.some((one) => one.name === name))]
}
