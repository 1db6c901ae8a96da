import type { apps } from '#api'
import { allowanceOf, availableOf, byCreation, isRolling, nameOf, replicasOf, sumOf } from './replica-sets.ts'

/** One ReplicaSet gets a new size. */
export interface Resize {
  readonly set: apps.ReplicaSet
  readonly to: number
}

/** How many replicas the newest ReplicaSet may have now. */
export function newSetSize(deployment: apps.Deployment, all: readonly apps.ReplicaSet[], newSetReplicas: number): number {
  const wanted = replicasOf(deployment)
  if (!isRolling(deployment)) return wanted
  const room = wanted + allowanceOf(deployment).surge - sumOf(all, replicasOf)
  return room <= 0 ? newSetReplicas : newSetReplicas + Math.max(0, Math.min(room, wanted - newSetReplicas))
}

/** The next step of a rolling update; nothing when it has to wait, or is done. */
export function planRollingUpdate(
  deployment: apps.Deployment,
  newSet: apps.ReplicaSet,
  old: readonly apps.ReplicaSet[],
): readonly Resize[] {
  const wanted = replicasOf(deployment)
  const size = replicasOf(newSet)
  const target = size > wanted ? wanted : newSetSize(deployment, [...old, newSet], size)
  if (target !== size) return [{ set: newSet, to: target }]
  return planOldSets(deployment, newSet, old)
}

/** Takes old ReplicaSets down as far as the minimum of available pods allows: pods that are not available anyway first. */
function planOldSets(deployment: apps.Deployment, newSet: apps.ReplicaSet, old: readonly apps.ReplicaSet[]): readonly Resize[] {
  // Counts of an earlier size would let too many go: what the set's controller has made of the present one comes with its next status.
  const isStale = (set: apps.ReplicaSet): boolean =>
    (set.status?.observedGeneration ?? 0) < (set.metadata?.generation ?? 0) || availableOf(set) > replicasOf(set)
  if ([...old, newSet].some(isStale)) return []
  const sizes = new Map(old.map((set) => [nameOf(set), replicasOf(set)]))
  const total = sumOf(old, replicasOf) + replicasOf(newSet)
  const least = replicasOf(deployment) - allowanceOf(deployment).unavailable
  const surplus = total - least - (replicasOf(newSet) - availableOf(newSet))
  if (sumOf(old, replicasOf) === 0 || surplus <= 0) return []

  const steps: Resize[] = []
  const shrink = (set: apps.ReplicaSet, by: number): void => {
    if (by <= 0) return
    const to = (sizes.get(nameOf(set)) ?? 0) - by
    sizes.set(nameOf(set), to)
    steps.push({ set, to })
  }
  const inOrder = [...old].sort(byCreation)
  let unhealthyLeft = surplus
  for (const set of inOrder) {
    const by = Math.min(unhealthyLeft, replicasOf(set) - availableOf(set))
    if (by <= 0) continue
    shrink(set, by)
    unhealthyLeft -= by
  }
  let availableLeft = sumOf([...old, newSet], availableOf) - least
  for (const set of inOrder) {
    const by = Math.min(availableLeft, sizes.get(nameOf(set)) ?? 0)
    if (by <= 0) continue
    shrink(set, by)
    availableLeft -= by
  }
  return steps
}
