import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testApiServer } from '#testing'

async function patched(t: TestContext, type: string, body: unknown, query = ''): Promise<{ message: string; warnings: string }> {
  const api = await testApiServer({})
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })
  const headers = { 'content-type': `application/${type}+json` }
  const answer = await api.request('PATCH', `/api/v1/namespaces/n/status${query}`, { body, headers })
  return { message: (JSON.parse(answer.text) as { message?: string }).message ?? '', warnings: String(answer.headers['warning'] ?? '') }
}

test('a strategic merge patch names unknown fields by the alphabet', async (t) => {
  const body = { status: { replicas: 1, conditions: [{ type: 'A', status: 'True', other: 1 }], active: 2 }, spec: { paused: true } }
  const { warnings } = await patched(t, 'strategic-merge-patch', body)
  const named = [...warnings.matchAll(/unknown field \\"([^"\\]*)/g)].map(([, name]) => name)
  assert.deepEqual(named, ['spec.paused', 'status.active', 'status.conditions[0].other', 'status.replicas'])
})

test('a refused JSON patch is shown with what it put in as it was sent', async (t) => {
  const body = [{ op: 'add', path: '/status', value: { updatedReplicas: null, capacity: { cpu: '1' } } }]
  const { message } = await patched(t, 'json-patch', body, '?fieldValidation=Strict')
  assert.match(message, /\\"status\\":\{\\"updatedReplicas\\":null,\\"capacity\\":\{\\"cpu\\":\\"1\\"\}\}\}": strict decoding error/)
})

test('a patch that cannot be read is told after an object that is missing', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })
  for (const type of ['merge-patch', 'json-patch', 'strategic-merge-patch']) {
    const headers = { 'content-type': `application/${type}+json` }
    const status = async (name: string): Promise<number> =>
      (await api.request('PATCH', `/api/v1/namespaces/${name}`, { body: '{', headers })).status
    assert.deepEqual([await status('none'), await status('n')], [404, 400])
  }
})
