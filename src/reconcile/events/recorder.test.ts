import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import type { core } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createFakeApi } from '#testing'
import { eventually } from '#testing/basics'
import { createEvents } from './recorder.ts'

test('an Event that stands for several texts names no reporting component, as those of client-go', async () => {
  const api = createFakeApi()
  using scope = rootScope()
  const events = createEvents(scope, createClient({ transport: inProcessTransport(api.handler) }))('some-controller')
  const about = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'x', name: 'p' } }
  for (let i = 0; i < 12; i++) events.event(about, 'Warning', 'Failed', `try ${i}`)
  const written = await eventually('all are written', () => {
    const all = api.objects('events') as core.Event[]
    return all.some(({ count }) => count === 3) && all
  })
  assert.deepEqual(
    written.slice(8).map(({ message, source, reportingComponent }) => [message, source?.component, reportingComponent]),
    [
      ['try 8', 'some-controller', 'some-controller'],
      ['(combined from similar events): try 11', 'some-controller', ''],
    ],
  )
})
