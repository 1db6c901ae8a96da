import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { eventually, testApiServer } from '#testing'
import { statefulSetController } from './statefulset.ts'

test('a claim that another controller manages stays with that one, and the set says so', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const { scope } = api
  const client = createClient({ transport: inProcessTransport(api.server.handler) })
  const namespace = 'default'
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } }
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'u', controller: true }
  const claims = client.resource(refs.persistentvolumeclaims)
  await claims.create(scope, { metadata: { name: 'data-web-0', namespace, ownerReferences: [owner] }, spec })
  await runControllers(scope, [statefulSetController], {
    client,
    informers: createInformers(client, { freeze: true }),
    events: createEvents(scope, client),
  })
  await client.resource(refs.statefulsets).create(scope, {
    metadata: { name: 'web', namespace },
    spec: {
      serviceName: 'web',
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec }],
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'x' }] },
      },
    },
  })
  const told = await eventually('the pod is made', async () => {
    const { items } = await client.resource(refs.events).list(scope, { namespace })
    return items.some(({ reason }) => reason === 'SuccessfulCreate') && new Set(items.map(({ reason }) => reason))
  })
  assert.deepEqual(told, new Set(['ConflictingController', 'SuccessfulCreate']))
  assert.deepEqual((await claims.get(scope, { namespace, name: 'data-web-0' })).metadata?.ownerReferences, [owner])
})
