import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '#testing/basics'
import type { Breaker } from '../breaker/breaker.ts'
import { Governor } from './governor.ts'
import type { TrafficPolicy, TrafficStatus } from './policy.ts'
import { releaseAt } from './release-of.ts'
import { statusOf } from './status.ts'

const breaker = { rules: [{ type: 'ErrorCount', count: 2 }], windowSeconds: 10, minimumRequests: 1, openSeconds: 5, probes: 1 } as const

function policy(name: string, spec: Partial<TrafficPolicy['spec']>, status?: TrafficStatus, generation = 1): TrafficPolicy {
  return {
    metadata: { name, namespace: 'x', uid: name, generation, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { service: 'shop', ...spec },
    ...(status === undefined ? {} : { status }),
  }
}

/** A governor whose decisions are noted. */
function governed() {
  const clock = manualClock(Date.parse('2026-01-01T12:00:00Z'))
  const turns: string[] = []
  const governor = new Governor(clock, {
    hasService: () => true,
    onServers: () => undefined,
    onTexts: () => undefined,
    onStatus: () => undefined,
    onTurn: ({ metadata }, before: Breaker, now: Breaker) => void turns.push(`${metadata?.name} ${before.state} ${now.state}`),
    onEjected: (_, address, untilMs) => void turns.push(`${address} ${untilMs === undefined ? 'back' : 'ejected'}`),
  })
  const ask = (name: string, status: number, times = 1, address = '10.0.0.1:80'): void => {
    const number = governor.held(`x/${name}`)?.number
    const line = {
      backend: 0,
      server: 0,
      policy: number,
      round: undefined,
      route: undefined,
      text: undefined,
      status,
      us: 1000,
      failed: false,
      aborted: false,
      isShed: false,
    }
    for (let i = 0; i < times; i++) governor.count(line, 'x/shop:80', address)
  }
  const text = (name: string): string | undefined => governor.texts.get(`p${governor.held(`x/${name}`)?.number}`)
  return { clock, governor, turns, ask, text }
}

test('what is decided is a text for the data plane at once, and time turns it', () => {
  const { clock, governor, turns, ask, text } = governed()
  governor.put(policy('a', { breaker: { ...breaker, fallback: { status: 418, contentType: 'text/plain', body: 'é, no' } } }))
  assert.equal(text('a'), 'c,0,0,418,746578742f706c61696e,c3a92c206e6f,0')
  // Requests pass, and the script is not asked.
  const { number } = governor.treatment('x/shop') ?? assert.fail()
  assert.equal(governor.texts.get(String(number)), String(governor.held('x/a')?.number))
  ask('a', 500, 2)
  assert.equal(governor.texts.get(String(number)), undefined)
  assert.equal(text('a')?.slice(0, 6), 'o,0,0,')
  clock.advance(4999)
  assert.equal(text('a')?.slice(0, 6), 'o,0,0,')
  clock.advance(1)
  assert.equal(text('a')?.slice(0, 6), 'h,1,1,')
  // Nobody asks: as many permits in another round.
  clock.advance(5000)
  assert.equal(text('a')?.slice(0, 6), 'h,2,1,')
  assert.deepEqual(turns, ['a Closed Open', 'a Open HalfOpen'])
  governor.remove('x/a')
  assert.deepEqual([...governor.texts], [])
  assert.equal(governor.treatment('x/shop'), undefined)
})

test('goes on from what the status says', () => {
  const first = governed()
  first.governor.put(policy('a', { breaker, outliers: { consecutiveErrors: 2, ejectSeconds: 60, maximumEjectedPercent: 50 } }))
  first.governor.without('x/shop', 'x/shop:80', ['10.0.0.1:80', '10.0.0.2:80'])
  first.ask('a', 500, 2)
  const held = first.governor.held('x/a') ?? assert.fail()
  const status = statusOf(held, { name: 'shop-2', phase: 'Succeeded' }, first.clock.now())
  assert.equal(status.breaker?.message, '2 of 2 requests had errors (ErrorCount) during the release shop-2')
  assert.deepEqual(
    status.ejected?.map(({ address }) => address),
    ['10.0.0.1:80'],
  )
  const again = governed()
  again.governor.put({ ...held.policy, status })
  assert.equal(again.text('a')?.slice(0, 6), 'o,0,0,')
  assert.deepEqual(again.governor.without('x/shop', 'x/shop:80', ['10.0.0.1:80', '10.0.0.2:80']), ['10.0.0.2:80'])
  again.clock.advance(5000)
  assert.equal(again.text('a')?.slice(0, 6), 'h,1,1,')
  again.clock.advance(55_000)
  assert.equal(again.turns.at(-1), '10.0.0.1:80 back')
})

test('a policy that is changed is held to anew, one whose status alone is changed goes on', () => {
  const { governor, ask, text } = governed()
  governor.put(policy('a', { breaker }))
  ask('a', 500)
  governor.put(policy('a', { breaker }, { observedGeneration: 1 }))
  ask('a', 500)
  assert.equal(text('a')?.slice(0, 2), 'o,')
  governor.put(policy('a', { breaker: { ...breaker, force: 'Closed' } }, undefined, 2))
  assert.equal(text('a')?.slice(0, 2), 'c,')
  governor.put(policy('a', { rateLimits: [{ requests: 7, per: 'Minute', by: 'Header', header: 'x-a' }] }, undefined, 3))
  assert.equal(text('a'), 'c,0,0,503,746578742f706c61696e,0,1,60,7,h,782d61')
})

test('nothing that a user writes is more than digits and letters to the data plane', () => {
  const { governor } = governed()
  const fallback = { status: 503, contentType: 'text/plain', body: 'a\n\n>; add map /x y,"\\\0' }
  governor.put(policy('a', { breaker: { ...breaker, fallback }, paths: ['/a,b', '/'] }))
  assert.deepEqual([...governor.texts.keys()].map((key) => key.replace(/\d+/, '')).sort(), ['p', 's'])
  for (const text of governor.texts.values()) assert.match(text, /^[a-z0-9,]+$/)
})

test('one that does not count waits for nothing', () => {
  const { clock, governor, turns } = governed()
  governor.put(policy('a', { breaker }))
  const past = '2025-01-01T00:00:00Z'
  governor.put(policy('b', { breaker }, { breaker: { state: 'Open', since: past, until: past, message: '' } }))
  clock.advance(60_000)
  assert.deepEqual(turns, [])
  governor.remove('x/a')
  assert.deepEqual(turns, ['b Open HalfOpen'])
})

test('the younger of two for the same is not told, and is when the older one goes', () => {
  const { governor, text } = governed()
  governor.put(policy('b', { breaker }))
  governor.put(policy('a', { breaker, warmUpSeconds: 3 }))
  assert.deepEqual([governor.held('x/b')?.verdict.reason, governor.held('x/a')?.verdict.reason], ['Conflicted', 'Accepted'])
  assert.equal(text('b'), undefined)
  // Whose breaker does not count has no state to be told.
  assert.equal(statusOf(governor.held('x/b') ?? assert.fail(), undefined, 0).breaker, undefined)
  assert.equal(governor.treatment('x/shop')?.serverWords, ' slowstart 3s')
  governor.remove('x/a')
  assert.equal(governor.held('x/b')?.verdict.reason, 'Accepted')
  assert.equal(governor.treatment('x/shop')?.serverWords, '')
})

test('the release that is under way is the one that it opened in, or the last one before', () => {
  const release = (name: string, service: string, phase: string, time: string) => ({
    metadata: { name },
    spec: { service },
    status: { phase, history: [{ time }] },
  })
  const all = [
    release('old', 'shop', 'Succeeded', '2026-01-01T10:00:00Z'),
    release('last', 'shop', 'Succeeded', '2026-01-01T11:30:00Z'),
    release('other', 'till', 'Progressing', '2026-01-01T11:59:00Z'),
    release('no', 'shop', 'Refused', '2026-01-01T11:59:00Z'),
  ]
  const at = Date.parse('2026-01-01T12:00:00Z')
  assert.equal(releaseAt(all, 'shop', at)?.metadata?.name, 'last')
  assert.equal(releaseAt(all, 'shop', at + 3_600_000), undefined)
  assert.equal(releaseAt([...all, release('now', 'shop', 'Progressing', '2026-01-01T09:00:00Z')], 'shop', at)?.metadata?.name, 'now')
})
