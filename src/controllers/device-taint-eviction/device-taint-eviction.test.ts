import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type core, isNotFound, refs, type resource } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { eventually, testApiServer } from '#testing'
import { deviceTaintEvictionController } from './device-taint-eviction.ts'

test('pods go when the driver takes their device out of use, but for those whose claims put up with it', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const { scope } = api
  const client = createClient({ transport: inProcessTransport(api.server.handler) })
  const namespace = 'default'
  const [pods, claims, slices] = [client.resource(refs.pods), client.resource(refs.resourceclaims), client.resource(refs.resourceslices)]
  const told = (taints: resource.DeviceTaint[]): resource.ResourceSliceSpec => ({
    driver: 'd.example.com',
    nodeName: 'n1',
    pool: { name: 'n1', generation: 1, resourceSliceCount: 1 },
    devices: [{ name: 'gpu', taints }],
  })
  const use = async (name: string, tolerations: resource.DeviceToleration[]): Promise<void> => {
    const exactly = { deviceClassName: 'gpu', tolerations }
    const claim = await claims.create(scope, { metadata: { name, namespace }, spec: { devices: { requests: [{ name: 'r', exactly }] } } })
    const containers = [{ name: 'c', image: 'i', resources: { claims: [{ name: 'x' }] } }]
    const spec: core.PodSpec = {
      nodeName: 'n1',
      terminationGracePeriodSeconds: 0,
      containers,
      resourceClaims: [{ name: 'x', resourceClaimName: name }],
    }
    const pod = await pods.create(scope, { metadata: { name, namespace }, spec })
    const results = [{ request: 'r', driver: 'd.example.com', pool: 'n1', device: 'gpu', tolerations }]
    const reservedFor = [{ resource: 'pods', name, uid: pod.metadata?.uid ?? '' }]
    await claims.update(scope, { ...claim, status: { allocation: { devices: { results } }, reservedFor } }, { subresource: 'status' })
  }
  const slice = await slices.create(scope, { metadata: { name: 's' }, spec: told([]) })
  const tolerated = { key: 'broken', operator: 'Exists', effect: 'NoExecute' }
  await use('goes', [])
  await use('waits', [{ ...tolerated, tolerationSeconds: 3600 }])
  await use('stays', [tolerated])
  await runControllers(scope, [deviceTaintEvictionController], {
    client,
    informers: createInformers(client, { freeze: true }),
    events: createEvents(scope, client),
  })
  const watch = await api.watch(`/api/v1/namespaces/${namespace}/pods?watch=1&fieldSelector=metadata.name%3Dgoes`)
  const broken = await slices.update(scope, { ...slice, spec: told([{ key: 'broken', effect: 'NoExecute' }]) })
  await eventually('the pod is gone', () => pods.get(scope, { namespace, name: 'goes' }).then(() => false, isNotFound))
  const disrupted = watch.pending
    .flatMap(({ object }) => object.status.conditions ?? [])
    .find(({ type }: core.PodCondition) => type === 'DisruptionTarget')
  watch.cancel()
  assert.deepEqual(
    [disrupted?.reason, disrupted?.message],
    ['DeletionByDeviceTaintManager', 'Device Taint manager: deleting due to NoExecute taint'],
  )
  // Once it is mended, the one that would have gone in an hour is told so.
  await slices.update(scope, { ...broken, spec: told([]) })
  await eventually('the deletion is called off', async () => {
    const { body } = await api.request('GET', `/api/v1/namespaces/${namespace}/events`)
    const words = body.items.map(({ involvedObject, reason, message }: core.Event) => `${involvedObject.name} ${reason}: ${message}`)
    return (
      words.includes('waits DeviceTaintManagerEviction: Cancelling deletion') &&
      words.includes('goes DeviceTaintManagerEviction: Marking for deletion')
    )
  })
  for (const name of ['waits', 'stays']) assert.equal((await pods.get(scope, { namespace, name })).metadata?.deletionTimestamp, undefined)
})
