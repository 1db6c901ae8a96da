import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer, type TestApiServer } from '#testing'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets'

const definition = (names: Record<string, unknown> = {}, spec: Record<string, unknown> = {}): Record<string, unknown> => {
  const plural = (names['plural'] as string | undefined) ?? 'widgets'
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind: 'Widget', ...names },
      versions: [version('v1', { size: { type: 'integer', minimum: 1 }, color: { type: 'string', default: 'red' } })],
      ...spec,
    },
  }
}
const version = (name: string, properties: Record<string, unknown>, storage = true): Record<string, unknown> => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
  selectableFields: 'color' in properties ? [{ jsonPath: '.spec.color' }] : undefined,
})
const widget = (name: string, spec: unknown): Record<string, unknown> => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
})

/** Watches a definition until its stored state is as wanted. */
async function until(api: TestApiServer, name: string, holds: (definition: Record<string, unknown> | undefined) => boolean): Promise<void> {
  const watch = await api.watch(`${DEFINITIONS}?watch=1&fieldSelector=metadata.name=${name}`)
  for (let event = await watch.next(); event !== undefined; event = await watch.next()) {
    if (holds(event.type === 'DELETED' ? undefined : event.object)) break
  }
  watch.cancel()
}
const isEstablished = (object: Record<string, unknown> | undefined): boolean =>
  JSON.stringify(object?.['status'] ?? {}).includes('InitialNamesAccepted')

async function withWidgets(api: TestApiServer, made = definition()): Promise<void> {
  const created = await api.request('POST', DEFINITIONS, { body: made })
  assert.equal(created.status, 201, created.text)
  await until(api, created.body.metadata.name, isEstablished)
}

test('a kind is served from the moment in which its definition is established, with defaults and rules', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  assert.equal((await api.request('GET', WIDGETS)).text, '404 page not found\n')
  await withWidgets(api)
  const created = await api.request('POST', WIDGETS, { body: widget('a', { size: 2, other: true }) })
  assert.equal(created.status, 201, created.text)
  assert.deepEqual(created.body.spec, { color: 'red', size: 2 })
  const refused = await api.request('POST', WIDGETS, { body: widget('b', { size: 0 }) })
  assert.equal(refused.status, 422)
  assert.equal(
    refused.body.message,
    'Widget.example.com "b" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
  )
  const selected = await api.request('GET', `${WIDGETS}?fieldSelector=spec.color%3Dred`)
  assert.deepEqual(
    selected.body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['a'],
  )
  assert.deepEqual(
    (await api.request('GET', '/apis/example.com/v1')).body.resources.map((one: { name: string }) => one.name),
    ['widgets'],
  )
})

test('objects that were stored before a schema changed are read by the new one', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  await withWidgets(api)
  await api.request('POST', WIDGETS, { body: widget('a', { size: 2 }) })
  const versions = [version('v1', { size: { type: 'integer' }, shape: { type: 'string', default: 'round' } })]
  const changed = await api.request('PATCH', `${DEFINITIONS}/widgets.example.com`, {
    body: { spec: { versions } },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  assert.equal(changed.status, 200, changed.text)
  assert.deepEqual((await api.request('GET', `${WIDGETS}/a`)).body.spec, { shape: 'round', size: 2 })
})

test('each version shows what its schema knows of the stored object', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const versions = [
    version('v1', { a: { type: 'string' }, b: { type: 'string', default: 'b' } }),
    version('v1beta1', { a: { type: 'string' }, old: { type: 'string' } }, false),
  ]
  await withWidgets(api, definition({}, { versions }))
  const beta = WIDGETS.replace('/v1/', '/v1beta1/')
  await api.request('POST', beta, { body: { ...widget('a', { a: '1', old: 'x' }), apiVersion: 'example.com/v1beta1' } })
  assert.deepEqual((await api.request('GET', `${WIDGETS}/a`)).body.spec, { a: '1', b: 'b' })
  const old = (await api.request('GET', `${beta}/a`)).body
  assert.equal(old.apiVersion, 'example.com/v1beta1')
  assert.deepEqual(old.spec, { a: '1' })
})

test('a name belongs to the definition that had it first, and is free when that goes', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  await withWidgets(api)
  await api.request('POST', DEFINITIONS, { body: definition({ plural: 'gadgets' }) })
  await until(api, 'gadgets.example.com', (object) => JSON.stringify(object?.['status'] ?? {}).includes('ListKindConflict'))
  assert.equal((await api.request('GET', WIDGETS.replace('widgets', 'gadgets'))).status, 404)
  await api.request('DELETE', `${DEFINITIONS}/widgets.example.com`)
  await until(api, 'gadgets.example.com', isEstablished)
  assert.equal((await api.request('GET', WIDGETS.replace('widgets', 'gadgets'))).status, 200)
})

test('a definition waits for its last object, and nothing is added meanwhile', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  await withWidgets(api)
  await api.request('POST', WIDGETS, { body: { ...widget('a', { size: 1 }), metadata: { name: 'a', finalizers: ['example.com/x'] } } })
  await api.request('DELETE', `${DEFINITIONS}/widgets.example.com`)
  await until(api, 'widgets.example.com', (object) => JSON.stringify(object).includes('InstanceDeletionInProgress'))
  assert.equal((await api.request('POST', WIDGETS, { body: widget('b', { size: 1 }) })).status, 403)
  const gone = until(api, 'widgets.example.com', (object) => object === undefined)
  await api.request('PATCH', `${WIDGETS}/a`, {
    body: { metadata: { finalizers: null } },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  await gone
  assert.equal((await api.request('GET', WIDGETS)).status, 404)
})

test('rules in CEL hold for new objects and for changes', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const rules = [{ rule: 'self > 0' }, { rule: 'self >= oldSelf', message: 'may only grow' }]
  const broken = [version('v1', { size: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > "a"' }] } })]
  const refused = await api.request('POST', DEFINITIONS, { body: definition({}, { versions: broken }) })
  assert.equal(refused.status, 422)
  assert.match(refused.body.message, /found no matching overload for '_>_' applied to '\(int, string\)'/)
  const versions = [version('v1', { size: { type: 'integer', 'x-kubernetes-validations': rules } })]
  await api.request('POST', DEFINITIONS, { body: definition({}, { versions }) })
  await until(api, 'widgets.example.com', isEstablished)
  const low = await api.request('POST', WIDGETS, { body: widget('a', { size: 0 }) })
  assert.equal(low.status, 422)
  assert.match(low.body.message, /spec\.size: Invalid value: 0: failed rule: self > 0/)
  assert.equal((await api.request('POST', WIDGETS, { body: widget('a', { size: 2 }) })).status, 201)
  const headers = { 'content-type': 'application/merge-patch+json' }
  assert.equal((await api.request('PATCH', `${WIDGETS}/a`, { body: { spec: { size: 3 } }, headers })).status, 200)
  const shrunk = await api.request('PATCH', `${WIDGETS}/a`, { body: { spec: { size: 1 } }, headers })
  assert.match(shrunk.body.message, /may only grow/)
})

test('a client that takes nothing but protobuf is refused before anything is stored', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  await withWidgets(api)
  const headers = { accept: 'application/vnd.kubernetes.protobuf' }
  assert.equal((await api.request('POST', WIDGETS, { body: widget('a', { size: 2 }), headers })).status, 406)
  assert.equal((await api.request('GET', `${WIDGETS}/a`)).status, 404)
})

test('a patch of a kind that is not known is refused', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  await withWidgets(api)
  const patched = await api.request('PATCH', `${WIDGETS}/a`, { body: {}, headers: { 'content-type': 'application/json' } })
  assert.equal(patched.status, 415)
  assert.match(patched.body.message, /^the body of the request was in an unknown format/)
})

test('schemas are refused for every word that does not fit, and formats that nothing checks are told', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const tried = (property: object) => {
    const versions = [version('v1', { a: property })]
    return api.request('POST', `${DEFINITIONS}?dryRun=All`, { body: definition({}, { versions }) })
  }
  assert.match((await tried({ type: 'object', additionalProperties: 'x' })).body.message, /boolean or JSON schema expected$/)
  assert.equal((await tried({ type: 'string', items: 'x' })).status, 201)
  const strange = await tried({ type: 'integer', format: 'x', not: { format: 'y' } })
  assert.deepEqual(strange.headers['warning'], ['299 - "unrecognized format \\"x\\""', '299 - "unrecognized format \\"y\\""'])
  const rules = { type: 'object', not: { title: 'no', 'x-kubernetes-validations': [{ rule: '', fieldPath: 'x' }] } }
  const place = 'spec.validation.openAPIV3Schema.properties[spec].properties[a].not'
  const causes = (await tried(rules)).body.details.causes as { field: string }[]
  assert.deepEqual(
    causes.map(({ field }) => field.replace(place, '')),
    ['.title', '.x-kubernetes-validations', '.x-kubernetes-validations[0].rule', '.x-kubernetes-validations[0].fieldPath'],
  )
})

test('custom resources come and go in no protobuf, but for their metadata', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  await withWidgets(api)
  const binary = 'application/vnd.kubernetes.protobuf'
  const sent = await api.request('POST', WIDGETS, { body: widget('a', { size: 2 }), headers: { 'content-type': binary } })
  assert.equal(sent.status, 415, sent.text)
  const got = async (path: string, accept: string): Promise<number> => (await api.request('GET', path, { headers: { accept } })).status
  assert.equal(await got(`${WIDGETS}/none`, binary), 406)
  assert.equal(await got(WIDGETS, binary), 406)
  assert.equal(await got(WIDGETS, `${binary};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`), 200)
})
