import { type Sums, type Window, counted, sumsOf } from './window.ts'

/** What opens a breaker: as many of the requests of a window, or more. */
export type BreakerRule =
  | { readonly type: 'SlowRatio'; readonly slowMs: number; readonly ratio: number }
  | { readonly type: 'ErrorRatio'; readonly ratio: number }
  | { readonly type: 'ErrorCount'; readonly count: number }

export interface BreakerSettings {
  readonly rules: readonly BreakerRule[]
  readonly windowMs: number
  /** With fewer requests in the window nothing is concluded. */
  readonly minimumRequests: number
  readonly openMs: number
  /** So many requests are let through after that; all of them have to be good. */
  readonly probes: number
  /** Somebody has said so: it stays there, whatever is counted. */
  readonly force?: 'Open' | 'Closed' | undefined
}

/** Why it opened. */
export interface Trip {
  readonly rule: BreakerRule['type']
  readonly requests: number
  readonly bad: number
}

export type Breaker =
  | { readonly state: 'Closed'; readonly sinceMs: number; readonly window: Window }
  | {
      readonly state: 'Open'
      readonly sinceMs: number
      /** Undefined: for as long as somebody says so. */
      readonly untilMs: number | undefined
      readonly trip: Trip | undefined
      /** How often it has opened since it was closed. */
      readonly times: number
    }
  | {
      readonly state: 'HalfOpen'
      readonly sinceMs: number
      readonly trip: Trip | undefined
      readonly times: number
      /** Permits are given in rounds, and each request that has one says of which round. */
      readonly firstRound: number
      readonly round: number
      readonly permits: number
      /** Whose requests are not all answered by then are given up, and as many others are let through in the next round. */
      readonly roundEndsMs: number
      readonly passed: number
    }

/** One request that was answered, or should have been. */
export interface Outcome {
  readonly ms: number
  readonly isError: boolean
  /** The client went away: that says something only when it was kept waiting. */
  readonly isAborted: boolean
  /** Of the permit that it had. */
  readonly round?: number | undefined
}

export const closed = (nowMs: number): Breaker => ({ state: 'Closed', sinceMs: nowMs, window: [] })

/** What time alone does, and what somebody has said. The same object when that is nothing. `lastRound`: of all rounds that there have been. */
export function atTime(settings: BreakerSettings, breaker: Breaker, nowMs: number, lastRound: number): Breaker {
  const { force } = settings
  if (force === 'Closed') return breaker.state === 'Closed' ? breaker : closed(nowMs)
  if (force === 'Open')
    return breaker.state === 'Open' && breaker.untilMs === undefined
      ? breaker
      : { state: 'Open', sinceMs: nowMs, untilMs: undefined, trip: undefined, times: 1 }
  switch (breaker.state) {
    case 'Closed':
      return breaker
    case 'Open': {
      if (breaker.untilMs !== undefined && nowMs < breaker.untilMs) return breaker
      const { trip, times } = breaker
      return {
        state: 'HalfOpen',
        sinceMs: nowMs,
        trip,
        times,
        firstRound: lastRound + 1,
        passed: 0,
        ...round(settings, lastRound + 1, 0, nowMs),
      }
    }
    case 'HalfOpen':
      return nowMs < breaker.roundEndsMs ? breaker : { ...breaker, ...round(settings, lastRound + 1, breaker.passed, nowMs) }
  }
}

/** The breaker after a request. The time is past already (`atTime`). */
export function afterRequest(settings: BreakerSettings, breaker: Breaker, outcome: Outcome, nowMs: number): Breaker {
  const slowRule = settings.rules.find((rule) => rule.type === 'SlowRatio')
  const isSlow = slowRule !== undefined && outcome.ms >= slowRule.slowMs
  if (outcome.isAborted && !isSlow) return breaker
  const isError = outcome.isError && !outcome.isAborted
  if (breaker.state === 'Closed') {
    const window = counted(breaker.window, settings.windowMs, nowMs, { isError, isSlow })
    const trip = settings.force === 'Closed' ? undefined : tripOf(settings, sumsOf(window))
    return trip === undefined ? { ...breaker, window } : opened(settings, trip, 1, nowMs)
  }
  // Requests that were under way when it opened, or that had no permit, say nothing about now.
  if (breaker.state === 'Open' || outcome.round === undefined || outcome.round < breaker.firstRound) return breaker
  const isBad = settings.rules.some((rule) => (rule.type === 'SlowRatio' ? isSlow : isError))
  if (isBad) return opened(settings, breaker.trip, breaker.times + 1, nowMs)
  const passed = breaker.passed + 1
  return passed >= settings.probes ? closed(nowMs) : { ...breaker, passed }
}

/** When `atTime` is next to be asked; undefined: time changes nothing. */
export function nextChangeMs(breaker: Breaker): number | undefined {
  return breaker.state === 'Closed' ? undefined : breaker.state === 'Open' ? breaker.untilMs : breaker.roundEndsMs
}

const opened = ({ openMs }: BreakerSettings, trip: Trip | undefined, times: number, nowMs: number): Breaker => ({
  state: 'Open',
  sinceMs: nowMs,
  untilMs: nowMs + openMs,
  trip,
  times,
})

const round = ({ probes, openMs }: BreakerSettings, number: number, passed: number, nowMs: number) => ({
  round: number,
  permits: probes - passed,
  roundEndsMs: nowMs + openMs,
})

function tripOf({ rules, minimumRequests }: BreakerSettings, { requests, errors, slow }: Sums): Trip | undefined {
  if (requests < minimumRequests) return undefined
  for (const rule of rules) {
    const bad = rule.type === 'SlowRatio' ? slow : errors
    const most = rule.type === 'ErrorCount' ? rule.count : rule.ratio * requests
    // A ratio of nothing would open it without a bad request.
    if (bad > 0 && bad >= most) return { rule: rule.type, requests, bad }
  }
  return undefined
}
