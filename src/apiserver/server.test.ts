import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

test('an object can be created, read, listed, changed and deleted', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const created = await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' }, data: { x: '1' } } })
  assert.equal(created.status, 201, created.text)
  assert.equal(created.body.kind, 'ConfigMap')
  assert.equal(created.body.metadata.namespace, 'default')
  const read = await api.request('GET', `${CONFIG_MAPS}/a`)
  assert.equal(read.text, created.text)
  const list = await api.request('GET', CONFIG_MAPS)
  assert.equal(list.body.kind, 'ConfigMapList')
  assert.deepEqual(
    list.body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['a'],
  )
  assert.equal(list.body.items[0].kind, undefined)
  const replaced = await api.request('PUT', `${CONFIG_MAPS}/a`, { body: { metadata: { name: 'a' }, data: { x: '2' } } })
  assert.equal(replaced.status, 200, replaced.text)
  assert.notEqual(replaced.body.metadata.resourceVersion, created.body.metadata.resourceVersion)
  const patched = await api.request('PATCH', `${CONFIG_MAPS}/a`, {
    body: { data: { y: '3' } },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  assert.equal(patched.status, 200, patched.text)
  assert.deepEqual(patched.body.data, { x: '2', y: '3' })
  const deleted = await api.request('DELETE', `${CONFIG_MAPS}/a`)
  assert.equal(deleted.status, 200, deleted.text)
  assert.equal(deleted.body.status, 'Success')
  assert.equal((await api.request('GET', `${CONFIG_MAPS}/a`)).status, 404)
})

test('a watch shows changes in order, the last one with the revision of the deletion', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const watch = await api.watch(`${CONFIG_MAPS}?watch=1`)
  const created = await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' }, data: { x: '1' } } })
  await api.request('PUT', `${CONFIG_MAPS}/a`, { body: { metadata: { name: 'a' }, data: { x: '2' } } })
  await api.request('DELETE', `${CONFIG_MAPS}/a`)
  const events = [await watch.next(), await watch.next(), await watch.next()]
  assert.deepEqual(
    events.map((event) => event.type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  )
  assert.deepEqual(events[0].object, created.body)
  const versions = events.map((event) => Number(event.object.metadata.resourceVersion))
  assert.deepEqual(
    versions,
    [...versions].sort((a, b) => a - b),
  )
  assert.equal(new Set(versions).size, 3)
  api.server.close()
  assert.equal(await watch.next(), undefined)
})

test('an update that changes nothing keeps the resourceVersion', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const body = { metadata: { name: 'a' }, data: { x: '1' } }
  const created = await api.request('POST', CONFIG_MAPS, { body })
  const replaced = await api.request('PUT', `${CONFIG_MAPS}/a`, { body })
  assert.equal(replaced.text, created.text)
})
