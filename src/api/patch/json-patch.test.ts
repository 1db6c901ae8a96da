import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { deepClone, deepFreeze } from '../meta/deep.ts'
import { StatusError } from '../meta/status.ts'
import { JSON_PATCH_MAX_OPERATIONS, jsonPatch, InapplicablePatch } from './json-patch.ts'

const DOCUMENT = deepFreeze({ data: { x: '1', y: '2', n: null }, list: ['a', 'b', 'c'] })

test('what is applied', () => {
  const cases: [unknown[], unknown][] = [
    [[{ op: 'add', path: '/data/z', value: 1 }], { data: { x: '1', y: '2', n: null, z: 1 }, list: ['a', 'b', 'c'] }],
    [[{ op: 'add', path: '/data/z' }], { data: { x: '1', y: '2', n: null, z: null }, list: ['a', 'b', 'c'] }],
    [[{ op: 'replace', path: '/data/nope', value: 'v' }], { data: { x: '1', y: '2', n: null, nope: 'v' }, list: ['a', 'b', 'c'] }],
    [[{ op: 'copy', from: '/data/nope', path: '/data/c' }], { data: { x: '1', y: '2', n: null, c: null }, list: ['a', 'b', 'c'] }],
    [[{ op: 'move', from: '/data/x', path: '/m' }], { data: { y: '2', n: null }, list: ['a', 'b', 'c'], m: '1' }],
    [[{ op: 'test', path: '/data/nope', value: null }], DOCUMENT],
    [[{ op: 'test', path: '/data', value: { y: '2', n: null, x: '1' } }], DOCUMENT],
    [[{ op: 'test', path: '', value: DOCUMENT }], DOCUMENT],
    [
      [
        { op: 'replace', path: '', value: { r: 1 } },
        { op: 'add', path: '/s', value: 2 },
      ],
      { r: 1, s: 2 },
    ],
    [[{ op: 'add', path: 'ignored/s', value: 2 }], { ...DOCUMENT, s: 2 }],
    [[{ op: 'add', path: '/a~1b~0c', value: 1 }], { ...DOCUMENT, 'a/b~c': 1 }],
    [[{ op: 'add', path: '/list/-', value: 'd' }], { ...DOCUMENT, list: ['a', 'b', 'c', 'd'] }],
    [[{ op: 'add', path: '/list/0', value: 'd' }], { ...DOCUMENT, list: ['d', 'a', 'b', 'c'] }],
    [[{ op: 'add', path: '/list/3', value: 'd' }], { ...DOCUMENT, list: ['a', 'b', 'c', 'd'] }],
    [[{ op: 'add', path: '/list/-1', value: 'd' }], { ...DOCUMENT, list: ['a', 'b', 'c', 'd'] }],
    [[{ op: 'remove', path: '/list/-1' }], { ...DOCUMENT, list: ['a', 'b'] }],
    [[{ op: 'replace', path: '/list/01', value: 'x' }], { ...DOCUMENT, list: ['a', 'x', 'c'] }],
    [[], DOCUMENT],
  ]
  for (const [operations, result] of cases)
    assert.deepEqual(jsonPatch(DOCUMENT, deepFreeze(operations)), result, JSON.stringify(operations))
})

test('what cannot be applied', () => {
  const cases: unknown[] = [
    { op: 'add', path: '/nope/k', value: 1 },
    { op: 'add', path: '/data/n/k', value: 1 },
    { op: 'add', path: '/data/x/k', value: 1 },
    { op: 'add', path: '', value: {} },
    { op: 'add', path: '/list/4', value: 1 },
    { op: 'add', path: '/list/-5', value: 1 },
    { op: 'add', path: '/list/x', value: 1 },
    { op: 'add', value: 1 },
    { op: 'replace', path: '/list/-', value: 1 },
    { op: 'replace', path: '', value: 'x' },
    { op: 'remove', path: '/nope' },
    { op: 'remove', path: '/list/3' },
    { op: 'remove', path: '/list/-' },
    { op: 'remove', path: '' },
    { op: 'move', from: '/nope', path: '/m' },
    { op: 'copy', from: '/nope/x', path: '/m' },
    { op: 'test', path: '/data/x', value: '2' },
    { op: 'test', path: '/list/9', value: null },
    { op: 'frob', path: '/data/x' },
    { path: '/data/x' },
    null,
  ]
  for (const operation of cases) {
    assert.throws(
      () => jsonPatch(DOCUMENT, [operation]),
      (error: unknown) => {
        assert.ok(error instanceof StatusError)
        const { code, reason, message, details } = error.status
        assert.deepEqual(
          [code, reason, message, details],
          [422, 'Invalid', 'the server rejected our request due to an error in our request', {}],
        )
        return true
      },
      JSON.stringify(operation),
    )
  }
})

test('what is no patch', () => {
  const status = (patch: unknown): [number, string | undefined] => {
    try {
      jsonPatch({}, patch)
    } catch (error) {
      assert.ok(error instanceof StatusError)
      return [error.status.code, error.status.message]
    }
    return assert.fail('not refused')
  }
  assert.deepEqual(status({}), [400, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'])
  assert.deepEqual(status(['x']), [400, 'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp'])
  assert.deepEqual(status([{ op: 5 }]), [
    400,
    'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string',
  ])
  assert.deepEqual(status(Array(JSON_PATCH_MAX_OPERATIONS + 1).fill({ op: 'test', path: '/x', value: null })), [
    413,
    'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
  ])
})

test('keys with a meaning in JavaScript are ordinary', () => {
  const result = jsonPatch(
    { a: {} },
    JSON.parse('[{"op":"add","path":"/__proto__","value":{"p":1}},{"op":"add","path":"/a/constructor","value":1}]'),
  ) as object
  assert.equal(JSON.stringify(result), '{"a":{"constructor":1},"__proto__":{"p":1}}')
  assert.equal(({} as { p?: number }).p, undefined)
  assert.throws(() => jsonPatch({}, [{ op: 'add', path: '/__proto__/polluted', value: 1 }]), StatusError)
  assert.throws(() => jsonPatch({}, [{ op: 'remove', path: '/toString' }]), StatusError)
})

test('a copy and what it was copied from are not tied together', () => {
  const operations = [
    { op: 'copy', from: '/a', path: '/b' },
    { op: 'add', path: '/b/x', value: 1 },
    { op: 'add', path: '/a/y', value: 2 },
  ]
  assert.deepEqual(jsonPatch(deepFreeze({ a: {} }), operations), { a: { y: 2 }, b: { x: 1 } })
})

test('a value that was added and is then written to is not the one of the patch', () => {
  const operations = deepFreeze([
    { op: 'add', path: '/a', value: { list: [] } },
    { op: 'add', path: '/a/list/-', value: 1 },
  ])
  assert.deepEqual(jsonPatch(deepFreeze({}), operations), { a: { list: [1] } })
})

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

test('taking out what was put in gives the document back', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.jsonValue(), (document, key, value) => {
      const before = deepClone(document)
      const path = `/${escaped(key)}`
      const had = Object.hasOwn(document, key)
      const changed = jsonPatch(deepFreeze(document), [{ op: 'add', path, value }])
      const back = had ? { op: 'replace', path, value: before[key] } : { op: 'remove', path }
      assert.deepEqual(jsonPatch(deepFreeze(changed), [{ op: 'test', path, value }, back]), before)
    }),
    propertyRuns(100),
  )
})

test('copies of copies end before they fill the memory', () => {
  const doubling = Array.from({ length: 60 }, (_, at) => ({ op: 'copy', from: '/data', path: `/data/k${at}` }))
  assert.throws(() => jsonPatch({ data: { x: 'y' } }, doubling), StatusError)
  const large = { text: 'x'.repeat(1_000_000) }
  const copies = (count: number): unknown[] => Array.from({ length: count }, (_, at) => ({ op: 'copy', from: '/text', path: `/t${at}` }))
  assert.equal(Object.keys(jsonPatch(large, copies(3)) as object).length, 4)
  assert.throws(() => jsonPatch(large, copies(4)), StatusError)
})

test('says why an operation does not work, for those who write patches for others', () => {
  const why = (...operations: object[]): string => {
    try {
      return JSON.stringify(jsonPatch({ a: [1], b: {} }, operations))
    } catch (error) {
      return error instanceof InapplicablePatch ? error.why : assert.fail(String(error))
    }
  }
  assert.equal(why({ op: 'add', path: '/x/y', value: 1 }), 'add operation does not apply: doc is missing path: "/x/y": missing value')
  assert.equal(
    why({ op: 'add', path: '/a/7', value: 1 }),
    "error in add for path: '/a/7': Unable to access invalid index: 7: invalid index referenced",
  )
  assert.equal(why({ op: 'remove', path: '/x' }), "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value")
  assert.equal(why({ op: 'replace', path: '/a/1', value: 1 }), 'replace operation does not apply: doc is missing key: /a/1: missing value')
  assert.equal(
    why({ op: 'move', from: '/x', path: '/y' }),
    "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
  )
  assert.equal(why({ op: 'test', path: '/b', value: 1 }), 'testing value /b failed: test failed')
  assert.equal(why({ op: 'odd', path: '/b' }), 'Unexpected kind: odd')
  assert.equal(why({ op: 'add' }), 'add operation failed to decode path: missing value')
})
