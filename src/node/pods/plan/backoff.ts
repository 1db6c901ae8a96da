import type { Backoff } from './snapshot.ts'

const FIRST_MS = 10_000
const LONGEST_MS = 300_000
/** Time without a restart after which the next one is the first again. */
const FORGET_MS = 2 * LONGEST_MS

/** When a container ended, on the clock as it is now: the runtime may have noted it before the clock was set back. */
export const endedAt = (finishedAtMs: number, nowMs: number, setBackMs: number): number =>
  finishedAtMs > nowMs ? Math.min(finishedAtMs - setBackMs, nowMs) : finishedAtMs

/** When a container that ended at `endedAtMs` may be started again. The first restart is at once. */
export function restartAt(backoff: Backoff | undefined, endedAtMs: number): number {
  if (backoff === undefined || endedAtMs - backoff.updatedAtMs > FORGET_MS) return endedAtMs
  return endedAtMs + backoff.delayMs
}

/** The state after a restart at `now` of what ended at `endedAtMs`: 10 s, doubled each time, at most 5 minutes. */
export function afterRestart(backoff: Backoff | undefined, endedAtMs: number, now: number): Backoff {
  if (backoff === undefined || endedAtMs - backoff.updatedAtMs > FORGET_MS) return { delayMs: FIRST_MS, updatedAtMs: now }
  return { delayMs: Math.min(backoff.delayMs * 2, LONGEST_MS), updatedAtMs: now }
}

/** Delay before the next try after this many failures in a row of something that is not a container's own ending. */
export const retryDelay = (failures: number, firstMs: number, longestMs: number): number =>
  Math.min(firstMs * 2 ** Math.max(failures - 1, 0), longestMs)

/** `10s`, `1m20s`, `5m0s`: how Go prints a duration of whole seconds. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes === 0
    ? `${seconds}s`
    : minutes < 60
      ? `${minutes}m${seconds % 60}s`
      : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds % 60}s`
}
