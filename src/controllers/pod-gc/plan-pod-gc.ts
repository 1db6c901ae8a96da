import { type core, isNodeReady, isOutOfService } from '#api'
import { disrupted, isFinished, isTerminating } from '#reconcile'

/**
 * The pods to delete so that at most `threshold` finished ones are left: evicted ones first, which nobody misses, then the oldest. 0 is no limit.
 */
export function planFinished(finished: readonly core.Pod[], threshold: number): readonly core.Pod[] {
  if (threshold <= 0 || finished.length <= threshold) return []
  const rank = ({ metadata, status }: core.Pod): string =>
    `${status?.phase === 'Failed' && status.reason === 'Evicted' ? 0 : 1} ${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`
  return [...finished].sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, finished.length - threshold)
}

/**
 * `remove`: it is to end, and there is nobody who would end it: it never had a node, or its node is silent and somebody has said that the machine is off.
 * `look-for-node`: its node is not known; it is lost when that stays so.
 */
export type PodPlan = 'keep' | 'remove' | 'look-for-node'

export function planPod(pod: core.Pod, node: core.Node | undefined): PodPlan {
  if (!pod.spec?.nodeName) return isTerminating(pod) ? 'remove' : 'keep'
  if (node === undefined) return 'look-for-node'
  return isTerminating(pod) && isAbandoned(node) ? 'remove' : 'keep'
}

export const isAbandoned = (node: core.Node): boolean => !isNodeReady(node) && isOutOfService(node)

/** Its status once it is known that nobody will tell how it ended; undefined when it has ended. `why` becomes a condition. */
export function lostStatus(
  pod: core.Pod,
  why: { readonly reason: string; readonly message: string } | undefined,
  now: string,
): core.PodStatus | undefined {
  if (isFinished(pod)) return undefined
  const { metadata, status } = pod
  return {
    ...status,
    phase: 'Failed',
    ...(metadata?.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    ...(why === undefined ? {} : { conditions: [...disrupted(pod, why, now)] }),
  }
}
