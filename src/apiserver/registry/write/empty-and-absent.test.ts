import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'
import { eventually } from '#testing/basics'

interface Answer {
  readonly metadata: { readonly managedFields?: readonly { readonly manager: string; readonly fieldsV1: Record<string, unknown> }[] }
}

test('who updates an object without a list that nobody has set does not come to own it', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const ranges = '/api/v1/namespaces/default/limitranges'
  for (const limits of [null, undefined]) {
    const metadata = { name: `l-${limits === null ? 'null' : 'absent'}`, labels: { a: 'b' } }
    await api.request('POST', `${ranges}?fieldManager=first`, { body: { metadata: { name: metadata.name }, spec: { limits: [] } } })
    const answer = await api.request('PUT', `${ranges}/${metadata.name}?fieldManager=second`, { body: { metadata, spec: { limits } } })
    const owned = ((answer.body as Answer).metadata.managedFields ?? []).map(({ manager, fieldsV1 }) => [manager, Object.keys(fieldsV1)])
    assert.deepEqual(owned, [
      ['first', ['f:spec']],
      ['second', ['f:metadata']],
    ])
  }
})

test('an immutable object takes no empty map of bytes where there was none, but one of texts', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const statusOf = async (kind: string, update: object): Promise<number> => {
    const path = `/api/v1/namespaces/default/${kind}`
    await api.request('POST', path, { body: { metadata: { name: 'a' }, immutable: true } })
    const { status } = await api.request('PUT', `${path}/a`, { body: { metadata: { name: 'a' }, immutable: true, ...update } })
    return status
  }
  assert.equal(await statusOf('configmaps', {}), 200)
  assert.equal(await statusOf('configmaps', { data: {} }), 200)
  assert.equal(await statusOf('configmaps', { binaryData: {} }), 422)
  assert.equal(await statusOf('secrets', { stringData: {} }), 200)
  assert.equal(await statusOf('secrets', { data: {} }), 422)
})

test('a slice of devices is refused for lists that are empty and of which it may have one, and keeps its generation otherwise', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const slices = '/apis/resource.k8s.io/v1/resourceslices'
  const spec = { driver: 'a.b', nodeName: 'n', pool: { name: 'p', generation: 1, resourceSliceCount: 1 } }
  await api.request('POST', slices, { body: { metadata: { name: 's' }, spec } })
  const put = (more: object): ReturnType<typeof api.request> =>
    api.request('PUT', `${slices}/s`, { body: { metadata: { name: 's' }, spec: { ...spec, ...more } } })
  assert.match((await put({ devices: [], sharedCounters: [] })).text, /only one of `sharedCounters` or `devices` is allowed/)
  assert.match((await put({ nodeSelector: {} })).text, /Invalid value: null: must have exactly one node selector term/)
  assert.match((await put({ nodeSelector: { nodeSelectorTerms: [] } })).text, /Invalid value: \[\]: must have exactly one/)
  const { status, text } = await put({ devices: [] })
  assert.equal(status, 200, text)
  assert.match(text, /"generation":1,/)
})

test('a null of a custom resource that is left out is gone', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const spec = { type: 'object', properties: { note: { type: 'string', nullable: true }, size: { type: 'integer' } } }
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec } } } }]
  await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: {
      metadata: { name: 'ws.example.com' },
      spec: { group: 'example.com', scope: 'Cluster', names: { plural: 'ws', kind: 'W' }, versions },
    },
  })
  const path = '/apis/example.com/v1/ws'
  const object = (given: object): object => ({ apiVersion: 'example.com/v1', kind: 'W', metadata: { name: 'w' }, spec: given })
  await eventually('the kind is served', async () => (await api.request('GET', path)).status === 200)
  const headers = { 'content-type': 'application/apply-patch+yaml' }
  const apply = async (given: object): Promise<unknown> => {
    const { body, text, status } = await api.request('PATCH', `${path}/w?fieldManager=m`, { body: object(given), headers })
    assert.ok(status < 300, text)
    return (body as { spec: unknown }).spec
  }
  assert.deepEqual(await apply({ note: null }), { note: null })
  assert.deepEqual(await apply({ size: 1 }), { size: 1 })
  assert.deepEqual(await apply({ size: 1, note: null }), { note: null, size: 1 })
  const { body } = await api.request('GET', `${path}/w`)
  const { metadata } = body as { metadata: { resourceVersion: string } }
  const put = await api.request('PUT', `${path}/w`, {
    body: { ...object({ size: 2 }), metadata: { name: 'w', resourceVersion: metadata.resourceVersion } },
  })
  assert.deepEqual((put.body as { spec: unknown }).spec, { size: 2 })
})
