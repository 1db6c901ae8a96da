import type { Clock } from '#base'
import type { Transport } from './transport.ts'

/** Sends no more than `perSecond` requests a second in the long run, and up to `burst` at once after a rest. They go in the order in which they came. */
export function limitedTransport(
  inner: Transport,
  clock: Clock,
  { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
): Transport {
  const apartMs = 1000 / perSecond
  /** When the next one is due, if there had been no rest. */
  let dueMs = Number.NEGATIVE_INFINITY

  return {
    server: inner.server,
    close: () => inner.close(),
    async send(scope, request) {
      const nowMs = clock.monotonic()
      dueMs = Math.max(dueMs + apartMs, nowMs - (burst - 1) * apartMs)
      if (dueMs > nowMs) await scope.sleep(dueMs - nowMs)
      return inner.send(scope, request)
    },
  }
}
