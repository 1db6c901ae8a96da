import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Scope, rootScope } from '#base'
import { createClient, inProcessTransport } from '#client'
import { createFakeApi } from '#testing'
import { eventually } from '#testing/basics'
import { runWithLease } from './lease.ts'

const LEASE = { namespace: 'kube-system', name: 'work', retryMs: 5 }
const ended = (scope: Scope): Promise<void> =>
  new Promise((resolve) => (scope.signal.aborted ? resolve() : scope.signal.addEventListener('abort', () => resolve(), { once: true })))

test('one at a time works, the next one takes over at once, and work that failed is begun again', async () => {
  using scope = rootScope()
  const api = createFakeApi()
  const client = createClient({ transport: inProcessTransport(api.handler) })
  const working = new Set<string>()
  let failures = 0
  const stand = (identity: string, within: Scope): Promise<void> =>
    runWithLease(within, client, { ...LEASE, identity }, async (term) => {
      assert.equal(working.size, 0)
      // The API may be away just when the work begins.
      if (failures++ === 0) throw new Error('not there')
      working.add(identity)
      await ended(term)
      working.delete(identity)
    })
  const first = scope.child()
  const ofFirst = stand('first', first)
  await eventually('the first one works', () => working.has('first'))
  const ofSecond = stand('second', scope)
  assert.equal(failures, 2)
  first.cancel()
  await ofFirst
  await eventually('the second one works', () => working.has('second'))
  scope.cancel()
  await ofSecond
  assert.equal(working.size, 0)
})
