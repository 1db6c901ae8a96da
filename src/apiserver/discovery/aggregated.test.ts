import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'

const asked = (version: string): string => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`

test('the aggregated form is for whoever asks for it at all, in the version that there is', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const kindFor = async (accept: string): Promise<string> => {
    const { body } = await api.request('GET', '/apis', { headers: { accept } })
    return (body as { kind: string }).kind
  }
  assert.equal(await kindFor(`application/json, ${asked('v2')};q=0.1`), 'APIGroupDiscoveryList')
  assert.equal(await kindFor(`*/*;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`), 'APIGroupDiscoveryList')
  assert.equal(await kindFor(`${asked('v2beta1')},application/json`), 'APIGroupList')
  assert.equal(await kindFor(asked('v2beta1')), 'Status')
})

test('who serves a path decides the words for what it does not have', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const said = async (path: string): Promise<string> => {
    const { status, body } = await api.request('GET', path, { headers: { accept: 'application/xml' } })
    assert.equal(status, 406)
    return (body as { message: string }).message.slice(0, 4)
  }
  assert.deepEqual(await Promise.all(['/apis', '/apis/apps', '/apis/apiextensions.k8s.io'].map(said)), ['only', 'only', 'only'])
  assert.deepEqual(await Promise.all(['/api', '/api/v1', '/apis/apps/v1', '/apis/apiregistration.k8s.io'].map(said)), Array(4).fill('406:'))
})

test('the aggregated form is sent in JSON for programs and for people, in YAML and in protobuf', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const get = async (encoding: string, query = ''): Promise<{ readonly type: string; readonly etag: string; readonly text: string }> => {
    const accept = `application/${encoding};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`
    const { headers, text } = await api.request('GET', `/apis${query}`, { headers: { accept } })
    assert.equal(headers['content-type'], accept)
    return { type: String(headers['content-type']), etag: String(headers['etag']), text }
  }
  const json = await get('json')
  assert.match(json.text, /^\{"kind":"APIGroupDiscoveryList".*\}\n$/)
  assert.match((await get('json', '?pretty=true')).text, /^\{\n {2}"kind"/)
  const yaml = await get('yaml')
  assert.match(yaml.text, /^apiVersion: apidiscovery\.k8s\.io\/v2\n/)
  const binary = await get('vnd.kubernetes.protobuf')
  assert.ok(binary.text.startsWith('k8s\0') && binary.text.includes('deployments'))
  // One name for what is the same in other letters.
  assert.deepEqual([yaml.etag, binary.etag], [json.etag, json.etag])
})
