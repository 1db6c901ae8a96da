import type { core } from '#api'
import { tolerates } from '#reconcile'

export type Eviction = 'never' | 'now' | { readonly afterMs: number }

/**
 * Whether a pod may stay on a node with these NoExecute taints, and how long. Of each taint's tolerations the first one that matches counts, and of
 * those the one with the shortest time.
 */
export function planEviction(tolerations: readonly core.Toleration[], taints: readonly core.Taint[]): Eviction {
  const executing = taints.filter((taint) => taint.effect === 'NoExecute')
  if (executing.length === 0) return 'never'
  let seconds = Number.POSITIVE_INFINITY
  for (const taint of executing) {
    const used = tolerations.find((toleration) => tolerates(toleration, taint))
    if (used === undefined) return 'now'
    seconds = Math.min(seconds, Math.max(0, used.tolerationSeconds ?? Number.POSITIVE_INFINITY))
  }
  return seconds === Number.POSITIVE_INFINITY ? 'never' : { afterMs: seconds * 1000 }
}

export interface EvictionTime {
  /** When the pod has to go; undefined: it may stay. */
  readonly dueMs: number | undefined
  /** A time that was set before no longer holds. */
  readonly isCancelled: boolean
}

/** `setMs` is the time that was set before. It stays as long as the pod is only tolerated for a time, whatever that time is by now. */
export function evictionTime(plan: Eviction, setMs: number | undefined, nowMs: number): EvictionTime {
  if (typeof plan === 'object') return { dueMs: setMs ?? nowMs + plan.afterMs, isCancelled: false }
  return { dueMs: plan === 'now' ? nowMs : undefined, isCancelled: setMs !== undefined }
}
