import type { Scope } from '#base'
import type { Counts, PodCounts } from './counts.ts'
import { quantile } from './histogram.ts'

/** Rates are over the time since the last look of the past minute, but over a second at least. */
const SHORTEST_MS = 1000
const LONGEST_MS = 60_000
/** Of those who ask in turn, nobody makes the window of the others shorter than this. */
const USUAL_MS = 10_000
const MOST_LOOKS = 64
const MOST_KEYS = 4096

export interface Look<T> {
  readonly atMs: number
  readonly counts: T
}

/** Earlier looks at counts that only grow, so that two of them make a rate. Costs nothing while nobody asks. */
export class Windows<T> {
  readonly #looks = new Map<string, Look<T>[]>()
  readonly #read: (key: string) => T

  constructor(read: (key: string) => T) {
    this.#read = read
  }

  /** The look to compare with, and the present one: at least a second apart, for which it waits when nobody has looked before. */
  async between(scope: Scope, key: string): Promise<{ readonly from: Look<T>; readonly to: Look<T> }> {
    const known = this.#looks.get(key) ?? []
    const nowMs = scope.clock.monotonic()
    const young = known.filter(({ atMs }) => nowMs - atMs <= LONGEST_MS)
    let from = young.findLast(({ atMs }) => nowMs - atMs >= USUAL_MS) ?? young.find(({ atMs }) => nowMs - atMs >= SHORTEST_MS)
    if (from === undefined) {
      from = young[0] ?? { atMs: nowMs, counts: this.#read(key) }
      this.#keep(key, from)
      await scope.sleep(SHORTEST_MS - (nowMs - from.atMs))
    }
    const to = { atMs: scope.clock.monotonic(), counts: this.#read(key) }
    this.#keep(key, to)
    return { from, to }
  }

  #keep(key: string, look: Look<T>): void {
    if (!this.#looks.has(key) && this.#looks.size >= MOST_KEYS) this.#looks.clear()
    const known = (this.#looks.get(key) ?? []).filter(({ atMs }) => look.atMs - atMs <= LONGEST_MS && atMs !== look.atMs)
    this.#looks.set(key, [...known.slice(-MOST_LOOKS), look])
  }
}

export const POD_METRICS = ['requests_per_second', 'errors_per_second', 'response_time_mean_seconds'] as const
type PodMetric = (typeof POD_METRICS)[number]

const NOTHING: PodCounts = { requests: 0, errors: 0, seconds: 0 }

/** What happened between two looks; who is asked nothing takes no time to answer. */
export function podMetric(metric: PodMetric, from: PodCounts = NOTHING, to: PodCounts = NOTHING, seconds: number): number {
  const requests = Math.max(0, to.requests - from.requests)
  switch (metric) {
    case 'requests_per_second':
      return requests / seconds
    case 'errors_per_second':
      return Math.max(0, to.errors - from.errors) / seconds
    case 'response_time_mean_seconds':
      return requests === 0 ? 0 : Math.max(0, to.seconds - from.seconds) / requests
  }
}

export const SERVICE_METRICS = [
  'requests_per_second',
  'errors_per_second',
  'response_time_p50_seconds',
  'response_time_p95_seconds',
  'response_time_p99_seconds',
  'response_time_mean_seconds',
] as const
export type ServiceMetric = (typeof SERVICE_METRICS)[number]

/** Of a Service the spread of the times is known too. */
export function serviceMetric(metric: ServiceMetric, from: Counts, to: Counts, seconds: number): number {
  const within = (share: number): number =>
    quantile(
      to.buckets.map((count, at) => Math.max(0, count - (from.buckets[at] ?? 0))),
      share,
    )
  switch (metric) {
    case 'response_time_p50_seconds':
      return within(0.5)
    case 'response_time_p95_seconds':
      return within(0.95)
    case 'response_time_p99_seconds':
      return within(0.99)
    default:
      return podMetric(metric, from, to, seconds)
  }
}
