import type { Random } from '#base'

/** Exponential back-off between two limits. Without `jitter` the delays are exact. */
export interface BackOffLimits {
  readonly firstMs: number
  readonly maxMs: number
  /** Up to this share is added at random, so that many who failed together do not come back together. */
  readonly jitter?: number
}

export const KEY_BACK_OFF: BackOffLimits = { firstMs: 5, maxMs: 1_000_000 }
export const WATCH_BACK_OFF: BackOffLimits = { firstMs: 200, maxMs: 30_000, jitter: 1 }

/** `failures` counts from 1. */
export function backOffMs(limits: BackOffLimits, failures: number, random: Random): number {
  const plainMs = Math.min(limits.firstMs * 2 ** Math.min(failures - 1, 60), limits.maxMs)
  return limits.jitter === undefined ? plainMs : plainMs * (1 + limits.jitter * random.float())
}
