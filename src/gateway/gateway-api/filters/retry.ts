import { type Failure, type Retry, retryOf } from '../../model/retry.ts'
import type { HTTPRouteRule } from '../kinds.ts'

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
/** Where nothing is said. */
const ATTEMPTS = 2
/** What is no answer is tried again wherever anything is. */
const ALWAYS: readonly Failure[] = ['conn-failure', 'empty-response']

/** How a rule has its requests tried again; undefined: it says nothing of that. */
export function readRetry({
  retry,
  timeouts,
}: Pick<HTTPRouteRule, 'retry' | 'timeouts'>): { readonly retry: Retry } | { readonly problem: string } | undefined {
  if (retry === undefined) return undefined
  const { codes = [], attempts = ATTEMPTS, backoff = '0s' } = retry
  if (durationMs(backoff) > 0)
    return { problem: 'retry.backoff is not served: what has failed is tried again at once, elsewhere where there is one' }
  const each = durationMs(timeouts?.backendRequest ?? '0s')
  const whole = durationMs(timeouts?.request ?? '0s')
  // All tries together have to be over by then, and nobody else watches over that.
  if (whole > 0 && (each === 0 || each * (attempts + 1) > whole))
    return { problem: 'retry beside timeouts.request needs a timeouts.backendRequest that all tries together stay within' }
  const read = retryOf({ attempts, codes, on: each > 0 ? [...ALWAYS, 'response-timeout'] : ALWAYS })
  return 'problem' in read ? { problem: `retry: ${read.problem}` } : read
}

export function durationMs(text: string): number {
  return [...text.matchAll(/(\d{1,5})(ms|h|m|s)/g)].reduce((sum, [, count, unit = 's']) => sum + Number(count) * (UNITS[unit] ?? 0), 0)
}
