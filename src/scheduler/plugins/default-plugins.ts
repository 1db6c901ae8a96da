import type { Plugins } from '../framework/decide.ts'
import { diskConflicts } from '../volumes/disks.ts'
import { volumeBinding, volumeRestrictions } from '../volumes/filters.ts'
import { volumeLimits } from '../volumes/limits.ts'
import type { StorageView } from '../volumes/storage.ts'
import { volumeZone } from '../volumes/zone.ts'
import { nodeAffinity, nodePorts, nodePreference, nodeUnschedulable, taintPreference, taintToleration } from './node-fitness.ts'
import { affinityPreference, interPodAffinity } from './pod-affinity.ts'
import { balancedAllocation, imageLocality, leastAllocated, nodeResourcesFit } from './resources.ts'
import { topologySpread } from './spread-filter.ts'
import { type SiblingSelector, spreadPreference } from './spread-score.ts'

/** The plugins that kube-scheduler has on by default, in its order. */
export function defaultPlugins(view: StorageView, siblings: SiblingSelector): Plugins {
  return {
    filters: [
      nodeUnschedulable,
      taintToleration,
      nodeAffinity,
      nodePorts,
      nodeResourcesFit,
      volumeRestrictions(view),
      diskConflicts,
      volumeLimits(view),
      volumeBinding(view),
      volumeZone(view),
      topologySpread,
      interPodAffinity,
    ],
    scores: [
      taintPreference,
      nodePreference,
      leastAllocated,
      spreadPreference(siblings),
      affinityPreference,
      balancedAllocation,
      imageLocality,
    ],
  }
}
