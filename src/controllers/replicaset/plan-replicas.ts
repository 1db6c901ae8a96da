import type { apps, core } from '#api'
import { rfc3339 } from '#base'
import { isActive, isAvailable, isReady, isTerminating, unlessZero } from '#reconcile'
import { rankForDeletion } from './rank-pods.ts'

/** Creates or deletes in one go at most this many pods. */
const BURST = 500

/** `down`: those among `remove` that were chosen for not being ready. One that is by now may have to stay, in place of one that is not. */
export type ReplicaPlan = { readonly create: number } | { readonly remove: readonly core.Pod[]; readonly down: ReadonlySet<core.Pod> }
const NOBODY: ReadonlySet<core.Pod> = new Set()

/** `related` are active pods of all sets with the same controller, or none when the set has none. */
export function planReplicas(wanted: number, active: readonly core.Pod[], related: readonly core.Pod[], nowMs: number): ReplicaPlan {
  const surplus = active.length - wanted
  if (surplus <= 0) return { create: Math.min(-surplus, BURST) }
  if (surplus >= active.length) return { remove: active.slice(0, BURST), down: NOBODY }
  const onNode = new Map<string, number>()
  for (const { spec } of related) onNode.set(spec?.nodeName ?? '', (onNode.get(spec?.nodeName ?? '') ?? 0) + 1)
  const remove = rankForDeletion(active, (node) => onNode.get(node) ?? 0, nowMs).slice(0, Math.min(surplus, BURST))
  return { remove, down: new Set(remove.filter((pod) => !isReady(pod))) }
}

export interface ReplicaStatusInput {
  readonly generation: number
  readonly wanted: number
  readonly minReadySeconds: number
  readonly templateLabels: Readonly<Record<string, string>>
  /** All that is managed and selected, whatever its state. */
  readonly pods: readonly core.Pod[]
  readonly countsTerminating: boolean
  /** What went wrong in this round, and at which deed. */
  readonly failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined
  readonly nowMs: number
}

export function replicaStatus(old: apps.ReplicaSetStatus | undefined, input: ReplicaStatusInput): apps.ReplicaSetStatus {
  const active = input.pods.filter(isActive)
  const templateLabels = Object.entries(input.templateLabels)
  const labeled = active.filter((pod) => templateLabels.every(([key, value]) => pod.metadata?.labels?.[key] === value))
  const conditions = conditionsAfter(old?.conditions ?? [], input)
  return {
    replicas: active.length,
    fullyLabeledReplicas: unlessZero(labeled.length),
    readyReplicas: unlessZero(active.filter(isReady).length),
    availableReplicas: unlessZero(active.filter((pod) => isAvailable(pod, input.minReadySeconds, input.nowMs)).length),
    ...(input.countsTerminating ? { terminatingReplicas: input.pods.filter(isTerminating).length } : {}),
    observedGeneration: input.generation,
    ...(conditions.length === 0 ? {} : { conditions }),
  }
}

function conditionsAfter(old: readonly apps.ReplicaSetCondition[], { failure, nowMs }: ReplicaStatusInput): apps.ReplicaSetCondition[] {
  const others = old.filter((condition) => condition.type !== 'ReplicaFailure')
  const known = old.find((condition) => condition.type === 'ReplicaFailure')
  if (failure === undefined) return others
  // The first failure stands until a round succeeds.
  if (known !== undefined) return [...others, known]
  return [
    ...others,
    { type: 'ReplicaFailure', status: 'True', lastTransitionTime: rfc3339(nowMs), reason: failure.reason, message: failure.message },
  ]
}
