import type { Clock } from '#base'

/** Time that moves only when told. Timers that fall due run in their order, each at its own time. */
export interface ManualClock extends Clock {
  advance(ms: number): void
  /** Sets the wall clock alone, as a person or a time server does. */
  jump(ms: number): void
}

export function manualClock(startMs = Date.parse('2026-01-01T00:00:00Z')): ManualClock {
  let monotonicMs = 0
  let jumpedMs = 0
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  return {
    now: () => startMs + monotonicMs + jumpedMs,
    monotonic: () => monotonicMs,
    after(delayMs, run) {
      const timer = { atMs: monotonicMs + Math.max(delayMs, 0), run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    advance(ms) {
      const end = monotonicMs + ms
      for (;;) {
        const due = [...timers].filter(({ atMs }) => atMs <= end).toSorted((a, b) => a.atMs - b.atMs)[0]
        if (due === undefined) break
        timers.delete(due)
        monotonicMs = Math.max(monotonicMs, due.atMs)
        due.run()
      }
      monotonicMs = end
    },
    jump(ms) {
      jumpedMs += ms
    },
  }
}
