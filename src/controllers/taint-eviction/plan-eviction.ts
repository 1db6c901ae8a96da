import type { core } from '#api'
import { tolerates } from '#reconcile'

export type Eviction = 'never' | 'now' | { readonly afterMs: number }

/** Whether a pod may stay on a node with these NoExecute taints, and how long. With several matching tolerations the shortest time counts. */
export function planEviction(tolerations: readonly core.Toleration[], taints: readonly core.Taint[]): Eviction {
  const executing = taints.filter((taint) => taint.effect === 'NoExecute')
  if (executing.length === 0) return 'never'
  const used = executing.map((taint) => tolerations.filter((toleration) => tolerates(toleration, taint)))
  if (used.some((matching) => matching.length === 0)) return 'now'
  const limits = used.flat().flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [Math.max(0, tolerationSeconds)]))
  if (limits.length === 0) return 'never'
  const seconds = Math.min(...limits)
  return seconds === 0 ? 'now' : { afterMs: seconds * 1000 }
}
