import { type Profile, defaultProfile } from '../config/profile.ts'
import type { Plugins } from '../framework/decide.ts'
import type { FilterPlugin, ScorePlugin } from '../framework/plugin.ts'
import { diskConflicts } from '../volumes/disks.ts'
import { volumeBinding, volumeRestrictions } from '../volumes/filters.ts'
import { volumeLimits } from '../volumes/limits.ts'
import type { StorageView } from '../volumes/storage.ts'
import { volumeZone } from '../volumes/zone.ts'
import { allocationPreference, balancedAllocation } from './allocation.ts'
import {
  nodeAffinity,
  nodeDeclaredFeatures,
  nodePorts,
  nodePreference,
  nodeUnschedulable,
  taintPreference,
  taintToleration,
} from './node-fitness.ts'
import { affinityPreference, interPodAffinity } from './pod-affinity.ts'
import type { DynamicResources } from './dynamic-resources/dynamic-resources.ts'
import { imageLocality, nodeResourcesFit } from './resources.ts'
import { topologySpread } from './spread-filter.ts'
import { spreadPreference } from './spread-score.ts'
import { type SiblingSelector, spreadSource } from './spread-source.ts'

/** The plugins that kube-scheduler has on by default, in its order, as a profile has them. */
export function defaultPlugins(
  view: StorageView,
  siblings: SiblingSelector,
  profile: Profile = defaultProfile(),
  devices: DynamicResources | undefined = undefined,
): Plugins {
  const { disabledFilters, disabledScores, weights, addedAffinity } = profile
  const spread = spreadSource(profile.spread, siblings)
  const weightOf = (name: string, usual: number): number => weights.get(name) ?? usual
  const filters: readonly FilterPlugin[] = [
    nodeUnschedulable,
    taintToleration,
    nodeAffinity(addedAffinity),
    nodePorts,
    nodeResourcesFit(profile.fit, devices?.drives),
    diskConflicts,
    volumeRestrictions(view),
    volumeLimits(view),
    volumeBinding(view),
    volumeZone(view),
    topologySpread(spread),
    interPodAffinity,
    ...(devices === undefined ? [] : [devices.plugin(profile.devices)]),
    nodeDeclaredFeatures,
  ]
  const scores: readonly ScorePlugin[] = [
    taintPreference(weightOf('TaintToleration', 3)),
    nodePreference(addedAffinity, weightOf('NodeAffinity', 2)),
    allocationPreference(profile.fit.strategy, weightOf('NodeResourcesFit', 1)),
    spreadPreference(spread, weightOf('PodTopologySpread', 2)),
    affinityPreference(profile.podAffinity, weightOf('InterPodAffinity', 2)),
    balancedAllocation(profile.balanced, weightOf('NodeResourcesBalancedAllocation', 1)),
    imageLocality(weightOf('ImageLocality', 1)),
  ]
  return {
    filters: filters.filter(({ name }) => !disabledFilters.has(name)),
    scores: scores.filter(({ name }) => !disabledScores.has(name)),
  }
}
