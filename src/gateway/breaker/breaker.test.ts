import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { type Breaker, type BreakerSettings, type Outcome, afterRequest, atTime, closed, nextChangeMs } from './breaker.ts'

const settings: BreakerSettings = {
  rules: [{ type: 'ErrorRatio', ratio: 0.5 }],
  windowMs: 10_000,
  minimumRequests: 10,
  openMs: 30_000,
  probes: 3,
}
const good = { ms: 10, isError: false, isAborted: false }
const bad = { ...good, isError: true }

/** A breaker as the gateway has it: time first, then the request. */
class Driven {
  breaker: Breaker = closed(0)
  lastRound = 0
  nowMs = 0
  readonly settings: BreakerSettings

  constructor(more: Partial<BreakerSettings> = {}) {
    this.settings = { ...settings, ...more }
  }

  at(nowMs: number): this {
    this.nowMs = nowMs
    this.breaker = atTime(this.settings, this.breaker, nowMs, this.lastRound)
    if (this.breaker.state === 'HalfOpen') this.lastRound = this.breaker.round
    return this
  }

  ask(outcome: Outcome, times = 1): this {
    for (let i = 0; i < times; i++) {
      this.at(this.nowMs)
      this.breaker = afterRequest(this.settings, this.breaker, outcome, this.nowMs)
    }
    return this
  }

  get state(): string {
    return this.breaker.state
  }
}

test('opens with the request that makes the ratio, and not before there are enough of them', () => {
  const one = new Driven().ask(bad, 9)
  assert.equal(one.state, 'Closed')
  assert.equal(one.ask(good).state, 'Open')
  const other = new Driven().ask(good, 10).ask(bad, 9)
  assert.equal(other.state, 'Closed')
  other.ask(bad)
  assert.deepEqual(other.breaker, {
    state: 'Open',
    sinceMs: 0,
    untilMs: 30_000,
    trip: { rule: 'ErrorRatio', requests: 20, bad: 10 },
    times: 1,
  })
})

test('what is longer ago than the window does not count', () => {
  const one = new Driven().ask(bad, 9).at(9999).ask(good)
  assert.equal(one.state, 'Open')
  assert.equal(new Driven().ask(bad, 9).at(10_000).ask(bad, 9).state, 'Closed')
})

test('a count of errors and a share of slow requests open it too', () => {
  const count = new Driven({ rules: [{ type: 'ErrorCount', count: 4 }], minimumRequests: 1 }).ask(good, 100).ask(bad, 3)
  assert.equal(count.state, 'Closed')
  assert.equal(count.ask(bad).state, 'Open')
  const slow = new Driven({ rules: [{ type: 'SlowRatio', slowMs: 500, ratio: 1 }], minimumRequests: 2 })
  assert.equal(slow.ask({ ...bad, ms: 499 }, 5).state, 'Closed')
  const all = new Driven({ rules: [{ type: 'SlowRatio', slowMs: 500, ratio: 1 }], minimumRequests: 2 }).ask({ ...good, ms: 500 }, 2)
  assert.equal(all.state, 'Open')
})

test('a client that goes away says something only after it was kept waiting', () => {
  const rules = [{ type: 'SlowRatio', slowMs: 500, ratio: 0.5 }] as const
  const aborted = { ms: 100, isError: true, isAborted: true }
  assert.equal(new Driven().ask(aborted, 100).state, 'Closed')
  assert.equal(new Driven({ rules }).ask(aborted, 100).state, 'Closed')
  assert.equal(new Driven({ rules }).ask({ ...aborted, ms: 900 }, 10).state, 'Open')
})

test('is open for its time exactly, then lets its probes through, and closes after as many good ones', () => {
  const one = new Driven().ask(bad, 10)
  assert.equal(nextChangeMs(one.breaker), 30_000)
  assert.equal(one.at(29_999).state, 'Open')
  one.at(30_000)
  assert.deepEqual(one.breaker, {
    state: 'HalfOpen',
    sinceMs: 30_000,
    trip: { rule: 'ErrorRatio', requests: 10, bad: 10 },
    times: 1,
    firstRound: 1,
    round: 1,
    permits: 3,
    roundEndsMs: 60_000,
    passed: 0,
  })
  // Requests from before it opened are answered only now.
  assert.equal(one.ask(bad, 5).ask(good, 5).state, 'HalfOpen')
  assert.equal(one.ask({ ...good, round: 1 }, 2).state, 'HalfOpen')
  assert.deepEqual(one.ask({ ...good, round: 1 }).breaker, { state: 'Closed', sinceMs: 30_000, window: [] })
})

test('one probe that is not good opens it for as long again', () => {
  const one = new Driven()
    .ask(bad, 10)
    .at(30_000)
    .ask({ ...good, round: 1 }, 2)
    .ask({ ...bad, round: 1 })
  assert.equal(one.state, 'Open')
  assert.deepEqual([nextChangeMs(one.breaker), 'times' in one.breaker && one.breaker.times], [60_000, 2])
  one.at(60_000)
  // A late probe of the time before is none of this one.
  assert.equal(one.ask({ ...bad, round: 1 }).state, 'HalfOpen')
})

test('probes that never come back are given up, and as many others let through', () => {
  const one = new Driven()
    .ask(bad, 10)
    .at(30_000)
    .ask({ ...good, round: 1 })
    .ask({ ms: 1, isError: false, isAborted: true, round: 1 })
  assert.equal(one.at(59_999).state, 'HalfOpen')
  one.at(60_000)
  assert.deepEqual(one.breaker.state === 'HalfOpen' && [one.breaker.round, one.breaker.permits, one.breaker.passed], [2, 2, 1])
  // One of the first round that comes late is as good.
  assert.equal(one.ask({ ...good, round: 1 }).ask({ ...good, round: 2 }).state, 'Closed')
})

test('whoever forces it has his way until he takes that back; an open one then begins with probes', () => {
  const one = new Driven({ force: 'Open' }).at(5)
  assert.deepEqual([one.state, nextChangeMs(one.breaker)], ['Open', undefined])
  assert.equal(one.at(1e9).ask(good, 100).state, 'Open')
  const free = new Driven()
  free.breaker = one.breaker
  assert.equal(free.at(2e9).state, 'HalfOpen')
  const shut = new Driven({ force: 'Closed' }).ask(bad, 1000)
  assert.equal(shut.state, 'Closed')
  shut.breaker = new Driven().ask(bad, 10).breaker
  assert.equal(shut.at(1).state, 'Closed')
})

/** The same told over from the list of all that has happened, without any sums that are kept. */
class Reference {
  state: 'Closed' | 'Open' | 'HalfOpen' = 'Closed'
  #sinceMs = 0
  #seen: { readonly atMs: number; readonly isError: boolean; readonly isSlow: boolean }[] = []
  #good = 0
  #rounds = 0
  #firstRound = 0
  #roundSinceMs = 0

  #enter(state: 'Closed' | 'Open' | 'HalfOpen', atMs: number): void {
    this.state = state
    this.#sinceMs = atMs
    this.#seen = []
    this.#good = 0
  }

  at(nowMs: number, { openMs }: BreakerSettings): void {
    if (this.state === 'Open' && nowMs - this.#sinceMs >= openMs) {
      this.#enter('HalfOpen', nowMs)
      this.#firstRound = ++this.#rounds
      this.#roundSinceMs = nowMs
    } else if (this.state === 'HalfOpen' && nowMs - this.#roundSinceMs >= openMs) {
      this.#rounds++
      this.#roundSinceMs = nowMs
    }
  }

  ask({ ms, isError, isAborted, round }: Outcome, nowMs: number, { rules, windowMs, minimumRequests, probes }: BreakerSettings): void {
    const slowMs = rules.flatMap((rule) => (rule.type === 'SlowRatio' ? [rule.slowMs] : []))[0] ?? Infinity
    const one = { atMs: nowMs, isError: isError && !isAborted, isSlow: ms >= slowMs }
    if (isAborted && !one.isSlow) return
    const isBadBy = (rule: BreakerSettings['rules'][number], of: typeof one): boolean =>
      rule.type === 'SlowRatio' ? of.isSlow : of.isError
    if (this.state === 'Closed') {
      this.#seen.push(one)
      const tenth = (atMs: number): number => Math.floor((atMs * 10) / windowMs)
      const within = this.#seen.filter(({ atMs }) => tenth(nowMs) - tenth(atMs) < 10)
      const trips = rules.some((rule) => {
        const of = within.filter((each) => isBadBy(rule, each)).length
        return of > 0 && of >= (rule.type === 'ErrorCount' ? rule.count : rule.ratio * within.length)
      })
      if (within.length >= minimumRequests && trips) this.#enter('Open', nowMs)
    } else if (this.state === 'HalfOpen' && round !== undefined && round >= this.#firstRound) {
      if (rules.some((rule) => isBadBy(rule, one))) this.#enter('Open', nowMs)
      else if (++this.#good >= probes) this.#enter('Closed', nowMs)
    }
  }
}

test('agrees with a model that remembers everything, whatever happens when', () => {
  const ratio = fc.integer({ min: 1, max: 10 }).map((tenths) => tenths / 10)
  const rules = fc
    .record({
      slow: fc.option(fc.record({ type: fc.constant('SlowRatio' as const), slowMs: fc.integer({ min: 1, max: 100 }), ratio })),
      share: fc.option(fc.record({ type: fc.constant('ErrorRatio' as const), ratio })),
      count: fc.record({ type: fc.constant('ErrorCount' as const), count: fc.integer({ min: 1, max: 12 }) }),
    })
    .map(({ slow, share, count }) => [slow, share, count].filter((rule) => rule !== null))
  const some = fc.record({
    rules,
    windowMs: fc.integer({ min: 1, max: 30 }).map((tens) => tens * 10),
    minimumRequests: fc.integer({ min: 1, max: 12 }),
    openMs: fc.integer({ min: 1, max: 200 }),
    probes: fc.integer({ min: 1, max: 4 }),
  })
  const steps = fc.array(
    fc.record({
      laterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 })),
      ms: fc.integer({ min: 0, max: 150 }),
      isError: fc.boolean(),
      isAborted: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
      roundsAgo: fc.option(fc.integer({ min: 0, max: 2 })),
    }),
    { minLength: 1, maxLength: 120 },
  )
  fc.assert(
    fc.property(some, steps, (of, all) => {
      const driven = new Driven(of)
      const reference = new Reference()
      for (const { laterMs, roundsAgo, ...outcome } of all) {
        driven.at(driven.nowMs + laterMs)
        reference.at(driven.nowMs, driven.settings)
        assert.equal(driven.state, reference.state)
        const round = roundsAgo === null ? undefined : driven.lastRound - roundsAgo
        driven.ask({ ...outcome, round })
        reference.ask({ ...outcome, round }, driven.nowMs, driven.settings)
        assert.equal(driven.state, reference.state)
      }
    }),
    propertyRuns(60),
  )
})
