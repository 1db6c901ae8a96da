import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { createClient, inProcessTransport } from '#client'
import { createFakeApi } from '#testing'
import { planRevision, writeRevision } from './revisions.ts'

test('what a revision holds stands in the order of its names, as clients that compare bytes expect it', async () => {
  using scope = rootScope()
  const client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
  const template = { spec: { containers: [{ name: 'c', image: 'i' }] }, metadata: { labels: { b: '1', a: '2' } } }
  const reference = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true }
  const owner = { namespace: 'x', name: 'd', reference, template, hash: () => 'h', annotations: undefined, hashLabel: 'hash' }
  const { data } = await writeRevision(scope, client, owner, planRevision(template, []))
  assert.equal(
    JSON.stringify(data),
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"2","b":"1"}},"spec":{"containers":[{"image":"i","name":"c"}]}}}}',
  )
})
