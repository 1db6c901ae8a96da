import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_JSON_LIMITS, readJson } from './json.ts'

const merged = (text: string): ReturnType<typeof readJson> => readJson(Buffer.from(text), DEFAULT_JSON_LIMITS, 'merge')

test('objects under one key become one, of anything else the last counts', () => {
  const { value, duplicates } = merged('{"a":{"x":"1","x":"2"},"a":{"y":{"z":[]}},"b":[1,2],"b":[3],"c":{"d":1},"c":null}')
  assert.deepEqual(value, { a: { x: '2', y: { z: [] } }, b: [3], c: null })
  assert.deepEqual(duplicates, ['a.x', 'a', 'b', 'c'])
})

test('without the wish the last one counts', () => {
  assert.deepEqual(readJson(Buffer.from('{"a":{"x":1},"a":{"y":2}}')).value, { a: { y: 2 } })
})

test('strings with brackets, escapes and numbers that look odd are read as they are', () => {
  const { value, literals } = merged('{"a":{"x":"}\\"\\\\"},"a":{"n":1.0,"m":-1e3},"__proto__":{"p":1}}')
  assert.equal(JSON.stringify(value), '{"a":{"x":"}\\"\\\\","n":1,"m":-1000},"__proto__":{"p":1}}')
  const holder = (value as { readonly a: object }).a
  assert.deepEqual(
    [...(literals?.get(holder) ?? [])],
    [
      ['n', '1.0'],
      ['m', '-1e3'],
    ],
  )
})
