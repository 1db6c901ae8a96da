/** When a certificate is good, in milliseconds since the epoch. */
export interface Validity {
  readonly startMs: number
  readonly endMs: number
}

/** Nobody asks more often, however short certificates live. */
const LEAST_PAUSE_MS = 10_000
/** A failed request is repeated after this, doubled each time. */
const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 300_000

/** When a certificate is to be renewed that was got at `gotMs`: after 70 to 90 % of its life, so that nodes that came together do not all ask at once. `part` is from 0 to 1. */
export function renewAtMs({ startMs, endMs }: Validity, gotMs: number, part: number): number {
  return Math.max(startMs + (endMs - startMs) * (0.7 + 0.2 * part), gotMs + LEAST_PAUSE_MS)
}

/** How long to wait after the `failures`th failure in a row, the first being 1. */
export const retryAfterMs = (failures: number): number => Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS)
