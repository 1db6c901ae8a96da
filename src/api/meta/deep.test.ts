import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { deepClone, deepEqual, deepFreeze, member, setMember } from './deep.ts'

test('equal values', () => {
  assert.ok(deepEqual({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] }))
  assert.ok(deepEqual({ a: 1, b: undefined }, { a: 1 }))
  assert.ok(deepEqual({ a: 1 }, { a: 1, b: undefined }))
})

test('different values', () => {
  const different: [unknown, unknown][] = [
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [
      { a: undefined, b: 1 },
      { a: 1, b: undefined },
    ],
    [
      [1, 2],
      [2, 1],
    ],
    [[], {}],
    [{}, []],
    [null, {}],
    [null, undefined],
    ['1', 1],
    [{}, JSON.parse('{"__proto__":{}}')],
    [{ toString: 1 }, {}],
  ]
  for (const [a, b] of different) {
    assert.ok(!deepEqual(a, b), JSON.stringify([a, b]))
    assert.ok(!deepEqual(b, a), JSON.stringify([b, a]))
  }
})

test('keys with a meaning in JavaScript are ordinary', () => {
  const hostile = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":2}}') as Record<string, unknown>
  const copy = deepClone(hostile)
  assert.ok(deepEqual(copy, hostile))
  assert.equal(Object.getPrototypeOf(copy), Object.prototype)
  assert.equal((copy as { polluted?: number }).polluted, undefined)
  assert.equal(member({}, 'constructor'), undefined)
  const object = {}
  setMember(object, '__proto__', 1)
  assert.equal(JSON.stringify(object), '{"__proto__":1}')
})

test('a copy is equal and shares nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const frozen = deepFreeze(value)
      const copy = deepClone(frozen)
      assert.ok(deepEqual(copy, frozen))
      assert.equal(JSON.stringify(copy), JSON.stringify(frozen))
      if (typeof copy === 'object' && copy !== null) assert.notEqual(copy, frozen)
    }),
    propertyRuns(100),
  )
})
