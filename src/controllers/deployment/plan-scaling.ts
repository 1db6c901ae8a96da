import type { apps } from '#api'
import type { Resize } from './plan-rollout.ts'
import {
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  allowanceOf,
  annotationNumber,
  availableOf,
  byCreation,
  isRolling,
  nameOf,
  replicasOf,
  sumOf,
} from './replica-sets.ts'

/** Someone has changed the Deployment's size since its ReplicaSets were last scaled. */
export function isScaling(deployment: apps.Deployment, all: readonly apps.ReplicaSet[]): boolean {
  return all.some((set) => {
    const desired = annotationNumber(set, DESIRED_REPLICAS)
    return replicasOf(set) > 0 && desired !== undefined && desired !== replicasOf(deployment)
  })
}

/**
 * Brings the ReplicaSets to a changed size without moving the rollout on: one active set takes all; in the middle of a rollout each
 * gets its share, the biggest one what is left over by rounding.
 */
export function planScaling(
  deployment: apps.Deployment,
  newSet: apps.ReplicaSet | undefined,
  old: readonly apps.ReplicaSet[],
): readonly Resize[] {
  const wanted = replicasOf(deployment)
  const all = newSet === undefined ? [...old] : [...old, newSet]
  const active = all.filter((set) => replicasOf(set) > 0)
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? [...old].sort(byCreation).at(-1)
    return only === undefined || replicasOf(only) === wanted ? [] : [{ set: only, to: wanted }]
  }
  if (newSet !== undefined && isSaturated(deployment, newSet))
    return old.filter((set) => replicasOf(set) > 0).map((set) => ({ set, to: 0 }))
  return isRolling(deployment) ? proportional(deployment, active) : []
}

function isSaturated(deployment: apps.Deployment, newSet: apps.ReplicaSet): boolean {
  const wanted = replicasOf(deployment)
  return annotationNumber(newSet, DESIRED_REPLICAS) === wanted && replicasOf(newSet) === wanted && availableOf(newSet) === wanted
}

/** Sets whose size stays are in the plan, too: their annotations have to be brought up to date. */
function proportional(deployment: apps.Deployment, active: readonly apps.ReplicaSet[]): readonly Resize[] {
  const wanted = replicasOf(deployment)
  const allowed = wanted > 0 ? wanted + allowanceOf(deployment).surge : 0
  const toAdd = allowed - sumOf(active, replicasOf)
  const newestFirst = toAdd > 0 ? -1 : 1
  const sorted = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || newestFirst * byCreation(a, b))
  let added = 0
  const sizes = sorted.map((set) => {
    const share = toAdd === 0 ? 0 : shareOf(deployment, set, toAdd, added)
    added += share
    return replicasOf(set) + share
  })
  sizes[0] = Math.max(0, (sizes[0] ?? 0) + toAdd - added)
  return sorted.map((set, i) => ({ set, to: sizes[i] ?? 0 }))
}

function shareOf(deployment: apps.Deployment, set: apps.ReplicaSet, toAdd: number, added: number): number {
  const left = toAdd - added
  if (left === 0) return 0
  const share = fractionOf(deployment, set)
  return toAdd > 0 ? Math.min(share, left) : Math.max(share, left)
}

function fractionOf(deployment: apps.Deployment, set: apps.ReplicaSet): number {
  const wanted = replicasOf(deployment)
  if (wanted === 0) return -replicasOf(set)
  const before = annotationNumber(set, MAX_REPLICAS) ?? deployment.status?.replicas ?? 0
  if (before === 0) return 0
  return Math.round((replicasOf(set) * (wanted + allowanceOf(deployment).surge)) / before) - replicasOf(set)
}

/** ReplicaSets beyond the history limit that nobody needs any more, lowest revision first. */
export function planCleanup(
  deployment: apps.Deployment,
  old: readonly apps.ReplicaSet[],
  revisionOf: (set: apps.ReplicaSet) => bigint,
): readonly apps.ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit
  if (limit === undefined) return []
  const alive = old.filter((set) => set.metadata?.deletionTimestamp === undefined)
  const surplus = alive.length - limit
  if (surplus <= 0) return []
  return [...alive]
    .sort((a, b) => {
      const [first, second] = [revisionOf(a), revisionOf(b)]
      return first === second ? (nameOf(a) < nameOf(b) ? -1 : 1) : first < second ? -1 : 1
    })
    .slice(0, surplus)
    .filter(
      (set) =>
        (set.status?.replicas ?? 0) === 0 &&
        replicasOf(set) === 0 &&
        (set.metadata?.generation ?? 0) <= (set.status?.observedGeneration ?? 0),
    )
}
