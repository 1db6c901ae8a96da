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

test('of two fields of a wrong type the one is told that comes first in the patched document', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const path = '/api/v1/namespaces/default/secrets'
  await api.request('POST', path, { body: { metadata: { name: 'order' } } })
  const told = async (type: string, body: unknown): Promise<string> => {
    const { text } = await api.request('PATCH', `${path}/order`, { body, headers: { 'content-type': type } })
    return text
  }
  assert.match(await told('application/merge-patch+json', { type: ['x'], immutable: 1 }), /Go struct field Secret\.immutable of type bool/)
  assert.match(
    await told('application/merge-patch+json', { metadata: 0, type: ['x'] }),
    /Go struct field Secret\.metadata of type v1\.ObjectMeta/,
  )
  const operations = [
    { op: 'add', path: '/type', value: {} },
    { op: 'add', path: '/immutable', value: 'x' },
  ]
  assert.match(await told('application/json-patch+json', operations), /Go struct field Secret\.immutable of type bool/)
})

test('who wants no validation is told only that it is no patch', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })
  const headers = { 'content-type': 'application/merge-patch+json' }
  const told = async (body: string): Promise<string> => {
    const { status, text } = await api.request('PATCH', '/api/v1/namespaces/n?fieldValidation=Ignore', { body, headers })
    return `${status} ${(JSON.parse(text) as { message: string }).message}`
  }
  for (const body of ['"x"', '1', '{', '']) assert.equal(await told(body), '400 Invalid JSON Patch')
  assert.match(
    await told('[1]'),
    /^422 .*Invalid value: "\[1\]": couldn't get version\/kind; json parse error: json: cannot unmarshal array/,
  )
})

test('a patch that takes away the version leaves an object that is not known by its name', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })
  const told = async (type: string, body: unknown): Promise<string> => {
    const headers = { 'content-type': `application/${type}+json` }
    const { status, text } = await api.request('PATCH', '/api/v1/namespaces/n?dryRun=All', { body, headers })
    return `${status} ${(JSON.parse(text) as { message?: string }).message ?? ''}`
  }
  const nameless = '400 the name of the object (n based on URL) was undeterminable: name must be provided'
  assert.equal(await told('json-patch', [{ op: 'remove', path: '/apiVersion' }]), nameless)
  assert.equal(await told('merge-patch', { apiVersion: null }), nameless)
  assert.equal(await told('strategic-merge-patch', { apiVersion: '' }), '200 ')
  const other = [
    { op: 'remove', path: '/kind' },
    { op: 'add', path: '/apiVersion', value: 'y' },
  ]
  assert.match(await told('json-patch', other), /^422 .*no kind "Namespace" is registered for version "y"/)
})
