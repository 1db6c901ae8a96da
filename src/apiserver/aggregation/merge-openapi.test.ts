import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mergeOpenApi, partBelow } from './merge-openapi.ts'

const ref = (name: string): object => ({ $ref: `#/definitions/${name}` })
const kinds = (...kind: string[]): object => ({
  'x-kubernetes-group-version-kind': kind.map((one) => ({ group: 'g', version: 'v1', kind: one })),
})
const theirs = {
  paths: { '/apis/sea.example.com/v1/fish': { get: { schema: ref('Fish') } }, '/apis/other/v1/x': { get: { schema: ref('Unused') } } },
  definitions: {
    Fish: { type: 'object', properties: { meta: ref('Meta'), same: ref('Same'), self: ref('Fish') } },
    Meta: { type: 'object', description: 'of an older library' },
    Same: { type: 'string', ...kinds('B') },
    Unused: { type: 'string' },
  },
}
const ours = {
  swagger: '2.0',
  paths: { '/api/v1/pods': { get: { schema: ref('Meta') } } },
  definitions: { Meta: { type: 'object' }, Same: { type: 'string', ...kinds('A') } },
}

test('another server may speak of its own paths only, with the types that they need', () => {
  const part = partBelow(theirs, '/apis/sea.example.com/v1')
  assert.deepEqual(Object.keys(part.paths), ['/apis/sea.example.com/v1/fish'])
  assert.deepEqual(Object.keys(part.definitions), ['Fish', 'Meta', 'Same'])
  for (const bad of [null, 'x', [], { paths: 3 }, { paths: { '/apis/a/v1': { $ref: 4 } } }])
    assert.deepEqual(Object.keys(partBelow(bad, '/apis/a/v1').definitions), [])
})

test('parameters that another server has for all its paths stand where they are used', () => {
  const limit = { name: 'limit', in: 'query', type: 'integer' }
  const sharing = {
    paths: { '/apis/a/v1/x': { parameters: [{ $ref: '#/parameters/limit-1' }], get: { parameters: [{ $ref: '#/parameters/gone' }] } } },
    parameters: { 'limit-1': limit },
  }
  assert.deepEqual(partBelow(sharing, '/apis/a/v1').paths, {
    '/apis/a/v1/x': { parameters: [limit], get: { parameters: [{ $ref: '#/parameters/gone' }] } },
  })
})

test('types of one name that differ live side by side, equal ones are one', () => {
  const before = JSON.stringify(ours)
  const merged = mergeOpenApi(ours, [partBelow(theirs, '/apis/sea.example.com/v1')]) as typeof ours & typeof theirs
  assert.deepEqual(merged.definitions.Fish.properties, { meta: ref('Meta_v2'), same: ref('Same'), self: ref('Fish') })
  assert.deepEqual((merged.definitions as Record<string, unknown>)['Meta_v2'], theirs.definitions.Meta)
  assert.deepEqual(merged.definitions.Meta, { type: 'object' })
  assert.deepEqual(merged.definitions.Same, { type: 'string', ...kinds('A', 'B') })
  assert.deepEqual(Object.keys(merged.paths), ['/api/v1/pods', '/apis/sea.example.com/v1/fish'])
  assert.equal(JSON.stringify(ours), before)
})
