import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { eventually, testApiServer } from '#testing'
import { namespaceController } from './namespace.ts'

test('a namespace that waits for the finalizer of somebody else says what became of its content', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const { scope } = api
  const client = createClient({ transport: inProcessTransport(api.server.handler) })
  const namespaces = client.resource(refs.namespaces)
  await runControllers(scope, [namespaceController({ settleMs: 0 })], {
    client,
    informers: createInformers(client, { freeze: true }),
    events: createEvents(scope, client),
  })
  await namespaces.create(scope, { metadata: { name: 'n' }, spec: { finalizers: ['kubernetes', 'example.com/own'] } })
  await client.resource(refs.configmaps).create(scope, { metadata: { name: 'c', namespace: 'n' } })
  await namespaces.delete(scope, { name: 'n' })
  const left = await eventually('the content is gone', async () => {
    const found = await namespaces.get(scope, { name: 'n' })
    return found.spec?.finalizers?.length === 1 && found
  })
  assert.deepEqual(left.spec?.finalizers, ['example.com/own'])
  assert.deepEqual(
    left.status?.conditions?.map(({ type, status }) => [type, status]),
    [
      ['NamespaceDeletionDiscoveryFailure', 'False'],
      ['NamespaceDeletionGroupVersionParsingFailure', 'False'],
      ['NamespaceDeletionContentFailure', 'False'],
      ['NamespaceContentRemaining', 'False'],
      ['NamespaceFinalizersRemaining', 'False'],
    ],
  )
})
