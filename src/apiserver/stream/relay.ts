import type { Duplex } from 'node:stream'
import type { Scope } from '#base'

/** A side that has heard the end of the other gets this long to end too. */
const LINGER_MS = 10_000

/** Passes bytes both ways at the speed of the slower side until both have ended. When one breaks, the other is broken. */
export function relay(scope: Scope, one: Duplex, other: Duplex): void {
  const clock = scope.clock
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => {
      if (!from.readableEnded) return void to.destroy()
      const timer = clock.after(LINGER_MS, () => to.destroy(), { background: true })
      to.once('close', () => timer.cancel())
    })
    from.pipe(to)
  }
  if (one.destroyed) other.destroy()
  if (other.destroyed) one.destroy()
}
