import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rfc3339, rootScope } from '#base'
import type { Client } from '#client'
import { manualClock } from '#testing/basics'
import { testPod } from '../testing/node-harness.fixture.ts'
import { ServiceAccountTokens } from './service-account-tokens.ts'

test('a token is asked for when it is due, and serves until its end when there is no other', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  let given = 0
  let isAway = false
  const subresource = async (): Promise<unknown> => {
    if (isAway) throw new Error('the API is away')
    return { status: { token: `token-${++given}`, expirationTimestamp: rfc3339(clock.now() + 600_000) } }
  }
  const tokens = new ServiceAccountTokens({ resource: () => ({ subresource }) } as unknown as Client)
  const pod = testPod('web', { containers: [] })
  const get = () => tokens.get(scope, pod, undefined, 600)
  assert.equal((await get()).token, 'token-1')
  clock.advance(470_000)
  assert.equal((await get()).token, 'token-1')
  clock.advance(15_000)
  assert.equal((await get()).token, 'token-2')
  isAway = true
  clock.advance(500_000)
  const kept = await get()
  assert.deepEqual([kept.token, kept.renewAtMs - clock.now()], ['token-2', 60_000])
  clock.advance(60_000)
  assert.equal((await get()).token, 'token-2')
  clock.advance(60_000)
  await assert.rejects(get, /away/)
  isAway = false
  assert.equal((await get()).token, 'token-3')
})
