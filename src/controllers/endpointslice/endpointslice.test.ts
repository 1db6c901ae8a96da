import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type core, refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { eventually, testApiServer } from '#testing'
import { endpointSliceController } from './endpointslice.ts'
import { endpointSliceMirroringController, mirroredGroups } from './mirroring.ts'

const address = (i: number): core.EndpointAddress => ({ ip: `10.1.${Math.floor(i / 250)}.${(i % 250) + 1}` })
const addresses = (from: number, count: number): core.EndpointAddress[] => Array.from({ length: count }, (_, i) => address(from + i))

test('a thousand addresses of the same ports are mirrored, the ready ones before others', () => {
  const ports = [{ port: 80 }]
  const { groups, left } = mirroredGroups({
    subsets: [
      { notReadyAddresses: addresses(0, 600), ports },
      { addresses: addresses(600, 500), ports },
      { addresses: addresses(1100, 2), ports: [{ port: 81 }] },
    ],
  })
  assert.deepEqual(
    groups.map(({ endpoints }) => [endpoints.filter(({ conditions }) => conditions?.ready).length, endpoints.length]),
    [
      [500, 1000],
      [2, 2],
    ],
  )
  assert.equal(left, 100)
})

test('what keeps addresses out of slices is told of', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const { scope } = api
  const client = createClient({ transport: inProcessTransport(api.server.handler) })
  const namespace = 'default'
  await client.resource(refs.services).create(scope, { metadata: { name: 'by-hand', namespace }, spec: { ports: [{ port: 80 }] } })
  await client.resource(refs.services).create(scope, {
    metadata: { name: 'web', namespace },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  })
  await client.resource(refs.endpoints).create(scope, {
    metadata: { name: 'by-hand', namespace },
    subsets: [{ addresses: addresses(0, 1005), ports: [{ port: 80 }] }],
  })
  for (const name of ['a', 'b']) {
    const made = await client.resource(refs.pods).create(scope, {
      metadata: { name, namespace, labels: { app: 'web' } },
      spec: { nodeName: 'gone', automountServiceAccountToken: false, containers: [{ name: 'main', image: 'x' }] },
    })
    const podIPs = [{ ip: name === 'a' ? '10.0.0.1' : '10.0.0.2' }]
    await client.resource(refs.pods).update(scope, { ...made, status: { podIPs } }, { subresource: 'status' })
  }
  await runControllers(scope, [endpointSliceController, endpointSliceMirroringController], {
    client,
    informers: createInformers(client, { freeze: true }),
    events: createEvents(scope, client),
  })
  const told = await eventually('both are told', async () => {
    const { items } = await client.resource(refs.events).list(scope, { namespace })
    return (
      items.length >= 2 &&
      items
        .map(({ involvedObject, reason, message }) => [involvedObject.name, reason, message])
        .sort((a, b) => (String(a) < String(b) ? -1 : 1))
    )
  })
  const skipped = (name: string): string => `skipping Pod ${name} for Service default/web: Node gone Not Found`
  assert.deepEqual(told, [
    [
      'by-hand',
      'TooManyAddressesToMirror',
      'A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 5 addresses were skipped',
    ],
    ['web', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Service default/web: [${skipped('a')}, ${skipped('b')}]`],
  ])
  const { items } = await client
    .resource(refs.endpointslices)
    .list(scope, { namespace, labelSelector: 'kubernetes.io/service-name=by-hand' })
  assert.deepEqual(
    items.map(({ endpoints }) => endpoints?.length),
    [1000],
  )
})
