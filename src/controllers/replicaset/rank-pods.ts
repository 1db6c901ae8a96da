import type { core } from '#api'
import { isReady, podCondition } from '#reconcile'

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const PHASES = ['Pending', 'Unknown', 'Running']

/**
 * The order in which surplus pods are deleted (first goes first), as documented for ReplicaSets: unassigned, by phase, not ready, lower deletion
 * cost, more related pods on its node, ready for a shorter time, more restarts, younger. Times count by powers of two, so that the choice
 * among pods of about the same age is by uid, which is as good as chance.
 */
export function rankForDeletion(pods: readonly core.Pod[], relatedOnNode: (nodeName: string) => number, nowMs: number): core.Pod[] {
  const comparisons: readonly ((pod: core.Pod) => number)[] = [
    (pod) => (pod.spec?.nodeName ? 1 : 0),
    (pod) => PHASES.indexOf(pod.status?.phase ?? ''),
    (pod) => (isReady(pod) ? 1 : 0),
    deletionCost,
    (pod) => -relatedOnNode(pod.spec?.nodeName ?? ''),
    (pod) => (isReady(pod) ? ageBucket(podCondition(pod, 'Ready')?.lastTransitionTime ?? undefined, nowMs) : 0),
    (pod) => -restarts(pod),
    (pod) => ageBucket(pod.metadata?.creationTimestamp, nowMs),
  ]
  const ranked = pods.map((pod) => ({ pod, values: comparisons.map((value) => value(pod)) }))
  ranked.sort((a, b) => {
    for (const [i, value] of a.values.entries()) {
      const difference = value - (b.values[i] ?? 0)
      if (difference !== 0) return difference
    }
    return (a.pod.metadata?.uid ?? '') < (b.pod.metadata?.uid ?? '') ? -1 : 1
  })
  return ranked.map(({ pod }) => pod)
}

function deletionCost(pod: core.Pod): number {
  const text = pod.metadata?.annotations?.[DELETION_COST]
  // What is not a plain 32-bit number counts as none.
  return text !== undefined && /^(0|-?[1-9]\d{0,9})$/.test(text) && Number(text) === (Number(text) | 0) ? Number(text) : 0
}

function restarts(pod: core.Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount ?? 0))
}

/** Logarithm of the age in nanoseconds; -1 for what has no age yet. */
function ageBucket(since: string | undefined, nowMs: number): number {
  const ageMs = nowMs - Date.parse(since ?? '')
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1
}
