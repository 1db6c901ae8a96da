import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'

const PATH = '/apis/networking.k8s.io/v1/ipaddresses'
const spec = { parentRef: { resource: 'services', namespace: 'default', name: 'a' } }

test('an address has no random end: the prefix for its name is the name', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const create = (generateName: string): ReturnType<typeof api.request> =>
    api.request('POST', PATH, { body: { metadata: { generateName }, spec } })
  const made = await create('10.96.0.77')
  assert.equal(made.status, 201)
  assert.equal((made.body['metadata'] as { readonly name: string }).name, '10.96.0.77')
  assert.equal((await create('10.96.0.77')).status, 409)
  const bad = await create('a-')
  assert.equal(bad.status, 422)
  assert.match(bad.text, /IPAddress.networking.k8s.io \\"a-\\" is invalid/)
})
