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

/** The plugins of a profile, in its order. */
export function defaultPlugins(
  view: StorageView,
  siblings: SiblingSelector,
  profile: Profile = defaultProfile(),
  devices: DynamicResources | undefined = undefined,
): Plugins {
  const { plugins, addedAffinity } = profile
  const spread = spreadSource(profile.spread, siblings)
  const filters = [
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
  const scores: Readonly<Record<string, (weight: number) => ScorePlugin>> = {
    TaintToleration: taintPreference,
    NodeAffinity: (weight) => nodePreference(addedAffinity, weight),
    NodeResourcesFit: (weight) => allocationPreference(profile.fit.strategy, weight),
    PodTopologySpread: (weight) => spreadPreference(spread, weight),
    InterPodAffinity: (weight) => affinityPreference(profile.podAffinity, weight),
    NodeResourcesBalancedAllocation: (weight) => balancedAllocation(profile.balanced, weight),
    ImageLocality: imageLocality,
    ...(devices === undefined ? {} : { DynamicResources: (weight: number) => devices.preference(profile.devices, weight) }),
  }
  const inOrder = [...plugins.preparing, ...plugins.filters.filter((name) => !plugins.preparing.includes(name))]
  const isUsual = inOrder.filter((name) => plugins.filters.includes(name)).every((name, at) => name === plugins.filters[at])
  return {
    filters: inOrder.flatMap((wanted) => {
      const named = filters.filter(({ name }) => name === wanted)
      const place = plugins.filters.indexOf(wanted)
      if (place < 0) return named.map(onlyEverywhere)
      return isUsual ? named : named.map((one) => ({ ...one, place }))
    }),
    scores: plugins.scores.flatMap(({ name, weight }) => scores[name]?.(weight) ?? []),
  }
}

/** A rule that is not asked about nodes still finds what is wrong with the pod itself. */
function onlyEverywhere({ name, prepare }: FilterPlugin): FilterPlugin {
  return {
    name,
    live: true,
    ofNode: true,
    prepare: (cluster, pod) => {
      const prepared = prepare(cluster, pod)
      if (prepared?.kind === 'refused') return prepared
      const early = prepared?.early
      return early === undefined ? undefined : { kind: 'check', check: early, early }
    },
  }
}
