import type { core } from '#api'
import type { Profile } from '../config/profile.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { type SpreadConstraint, compileSpread } from '../pod/terms.ts'

/** The selector by which a pod's siblings are known: of its Services and its controller. Undefined when there is none. */
export type SiblingSelector = (pod: PodInfo) => core.PodAffinityTerm['labelSelector']

/** How a pod is to be spread: as it says, or, when it says nothing, as the cluster's defaults have it for its siblings. */
export interface SpreadSource {
  /** DoNotSchedule. */
  hard(pod: PodInfo): readonly SpreadConstraint[]
  /** ScheduleAnyway. */
  soft(pod: PodInfo): readonly SpreadConstraint[]
  /** Somebody asked for it, by the pod or by the configuration: nodes without one of the labels are left out of comparisons. */
  isAskedFor(pod: PodInfo): boolean
}

const SYSTEM: readonly core.TopologySpreadConstraint[] = [
  { topologyKey: 'kubernetes.io/hostname', maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
]

export function spreadSource({ defaults }: Profile['spread'], siblings: SiblingSelector): SpreadSource {
  const listed = defaults === 'system' ? SYSTEM : defaults
  const isOwn = ({ pod }: PodInfo): boolean => (pod.spec?.topologySpreadConstraints ?? []).length > 0
  const byDefault = (pod: PodInfo, when: string): readonly SpreadConstraint[] => {
    const wanted = listed.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when)
    const labelSelector = wanted.length === 0 ? undefined : siblings(pod)
    return labelSelector === undefined ? [] : wanted.map((one) => compileSpread({ ...one, labelSelector }, pod.pod))
  }
  return {
    isAskedFor: (pod) => defaults !== 'system' || isOwn(pod),
    hard: (pod) => (isOwn(pod) ? pod.spread : byDefault(pod, 'DoNotSchedule')),
    soft: (pod) => (isOwn(pod) ? pod.softSpread : byDefault(pod, 'ScheduleAnyway')),
  }
}
