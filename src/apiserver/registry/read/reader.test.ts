import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refs } from '#api'
import { testApiServer } from '#testing'

const MAPS = '/api/v1/namespaces/default/configmaps'

test('a look at one object reads no other of its kind, and sees what is there now', async (t) => {
  const before = await testApiServer()
  await before.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  const body = { metadata: { name: 'a' }, data: { k: '1' } }
  assert.equal((await before.request('POST', MAPS, { body })).status, 201)
  // As after a restart: nothing of what is stored is in memory.
  const { server } = await testApiServer({ engine: before.engine })
  t.after(async () => {
    server.close()
    await before.close()
  })
  const look = (): string | undefined => server.reader.peek(refs.configmaps, 'default', 'a')?.data?.['k']
  const areRead = (): boolean => [...server.caches.all].some((cache) => cache.resource.plural === 'configmaps' && cache.isReady)
  assert.equal(look(), '1')
  assert.equal(server.reader.peek(refs.configmaps, 'default', 'b'), undefined)
  assert.equal(areRead(), false)
  const headers = { 'content-type': 'application/merge-patch+json' }
  assert.equal((await before.request('PATCH', `${MAPS}/a`, { body: { data: { k: '2' } }, headers })).status, 200)
  assert.equal(look(), '2')
  // Once the kind is in memory, from there.
  assert.equal(server.reader.list(refs.configmaps, 'default').length, 1)
  assert.equal(areRead(), true)
  assert.equal(look(), '2')
})
