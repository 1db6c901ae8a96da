import type { Clock } from '#base'

/** Time that moves only when told. Timers that fall due run in their order. */
export function manualClock(startMs = Date.parse('2026-01-01T00:00:00Z')): Clock & { advance(ms: number): void } {
  let now = startMs
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  return {
    now: () => now,
    monotonic: () => now - startMs,
    after(delayMs, run) {
      const timer = { atMs: now + Math.max(delayMs, 0), run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    advance(ms) {
      const end = now + ms
      for (;;) {
        const due = [...timers].filter(({ atMs }) => atMs <= end).toSorted((a, b) => a.atMs - b.atMs)[0]
        if (due === undefined) break
        timers.delete(due)
        now = Math.max(now, due.atMs)
        due.run()
      }
      now = end
    },
  }
}
