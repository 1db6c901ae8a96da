import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'

test('the store is a component that is well; its kind stands at the one object, and once at a list', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const own = { metadata: { name: 'etcd-0' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] }
  const list = await api.request('GET', '/api/v1/componentstatuses')
  assert.deepEqual(list.body, { kind: 'ComponentStatusList', apiVersion: 'v1', metadata: {}, items: [own] })
  const one = await api.request('GET', '/api/v1/componentstatuses/etcd-0')
  assert.deepEqual(one.body, { kind: 'ComponentStatus', apiVersion: 'v1', ...own })
  assert.equal((await api.request('GET', '/api/v1/componentstatuses/scheduler')).status, 404)
})
