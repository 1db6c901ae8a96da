import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { limitedTransport } from './limited-transport.ts'
import type { TransportAnswer } from './transport.ts'

test('requests beyond the burst go one after the other, and a rest gives them back', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  let sent = 0
  const inner = {
    server: 'x',
    close: () => undefined,
    send: async () => {
      sent++
      return {} as TransportAnswer
    },
  }
  const limited = limitedTransport(inner, clock, { perSecond: 10, burst: 3 })
  const all = Array.from({ length: 6 }, () => limited.send(scope, { method: 'GET', target: '/', headers: {} }))
  const after = async (ms: number): Promise<number> => {
    clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
    return sent
  }
  assert.deepEqual([await after(0), await after(99), await after(1), await after(200)], [3, 3, 4, 6])
  await Promise.all(all)
  clock.advance(10_000)
  const more = Array.from({ length: 4 }, () => limited.send(scope, { method: 'GET', target: '/', headers: {} }))
  assert.equal(await after(0), 9)
  clock.advance(100)
  await Promise.all(more)
})
