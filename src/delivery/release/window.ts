import type { AnalysisStatus, Counted } from './objects.ts'

/** What the gateway has counted since it began, of both versions at once. */
export interface Reading {
  readonly instance: string
  readonly next: Counted
  readonly control: Counted
  /** Upper bounds of the buckets in seconds. */
  readonly bounds: readonly number[]
}

const NOTHING: Counted = { requests: 0, errors: 0, buckets: [] }

/** A window begins: what was counted before is not in it. */
export const beginWindow = (step: number, { instance, next, control }: Reading): AnalysisStatus => ({
  step,
  instance,
  seen: { next, control },
  next: NOTHING,
  control: NOTHING,
})

/**
 * The window with what has been counted since it was looked at last. Counts of a gateway that began anew, or has forgotten a Service, are all new. Nothing is
 * counted twice, whoever reads, and whenever he is restarted: what was seen is kept with the sums.
 */
export function growWindow(window: AnalysisStatus, reading: Reading): AnalysisStatus {
  const isSame = window.instance === reading.instance
  const grow = (sum: Counted, seen: Counted, now: Counted): Counted => {
    const from = isSame && now.requests >= seen.requests ? seen : NOTHING
    return {
      requests: sum.requests + now.requests - from.requests,
      errors: sum.errors + now.errors - from.errors,
      buckets: now.buckets.map((count, at) => (sum.buckets[at] ?? 0) + count - (from.buckets[at] ?? 0)),
    }
  }
  return {
    ...window,
    instance: reading.instance,
    seen: { next: reading.next, control: reading.control },
    next: grow(window.next, window.seen.next, reading.next),
    control: grow(window.control, window.seen.control, reading.control),
  }
}
