import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { deepFreeze, type JsonObject } from '../meta/deep.ts'
import { mergePatch } from './merge-patch.ts'

test('the examples of RFC 7386', () => {
  const cases: [unknown, JsonObject, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: 'foo' }, { a: { b: [{ c: null, d: 1 }, null] } }, { a: { b: [{ d: 1 }, null] } }],
  ]
  for (const [document, patch, result] of cases)
    assert.deepEqual(mergePatch(deepFreeze(document), deepFreeze(patch)), result, JSON.stringify(patch))
})

test('what is no merge patch', () => {
  assert.throws(() => mergePatch({}, null), { message: 'Invalid JSON Patch', httpStatus: 400 })
  assert.throws(() => mergePatch({}, []), {
    message: 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
  })
  assert.throws(() => mergePatch({}, 'x'), {
    message: 'error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}',
  })
})

test('keys with a meaning in JavaScript are ordinary', () => {
  const patch: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
  const result = mergePatch({}, patch)
  assert.equal(JSON.stringify(result), JSON.stringify(patch))
  assert.equal(({} as { polluted?: number }).polluted, undefined)
})

// Lists hold scalars: whether nulls inside of listed objects stay depends on what the list replaces, so that laws do not hold.
const { objects } = fc.letrec<{ objects: JsonObject; values: unknown }>((tie) => ({
  objects: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('values'), { noNullPrototype: true }),
  values: fc.oneof({ depthSize: 'small' }, fc.constant(null), fc.integer(), fc.array(fc.integer()), tie('objects')),
}))

test('nulls inside of listed objects stay when the list replaces an object', () => {
  const patch = { a: [{ b: null }] }
  assert.deepEqual(mergePatch({ a: {} }, patch), patch)
  assert.deepEqual(mergePatch({ a: [] }, patch), { a: [{}] })
})

test('laws of merging', () => {
  fc.assert(
    fc.property(objects, objects, (document, patch) => {
      const once = mergePatch(deepFreeze(document), deepFreeze(patch))
      assert.deepEqual(mergePatch(once, patch), once, 'applying twice is applying once')
      assert.deepEqual(mergePatch(document, {}), document, 'an empty patch changes nothing')
      assert.deepEqual(mergePatch(mergePatch({}, patch), {}), mergePatch({}, patch))
    }),
    propertyRuns(100),
  )
})
