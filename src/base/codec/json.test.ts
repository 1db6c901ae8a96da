import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { SampanError } from '../errors.ts'
import { unreadableKey } from './unreadable-key.ts'
import { JsonSyntaxError, JsonTooLarge, readJson } from './json.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (text: string): ReturnType<typeof readJson> => readJson(bytes(text))

test('any JSON is read as JSON.parse reads it, without false alarms', () => {
  fc.assert(
    // Two readings of the same text differ where the engine misreads a key.
    fc.property(
      fc.json().filter((text) => unreadableKey(text) === undefined),
      (text) => {
        const document = read(text)
        assert.deepEqual(document.value, JSON.parse(text))
        assert.deepEqual(document.duplicates, [])
      },
    ),
    propertyRuns(100),
  )
})

test('keys that occur twice are named in the order of the document', () => {
  const { value, duplicates } = read(
    '{"metadata":{"name":"a","name":"b"},"data":{"x":"1","x":"2"},"l":[{},{"k":1,"k":2}],"data":{"y":"}:\\"{"}}',
  )
  assert.deepEqual(duplicates, ['metadata.name', 'data.x', 'l[1].k', 'data'])
  assert.deepEqual((value as { metadata: unknown }).metadata, { name: 'b' })
})

test('the same key in other objects, colons and escapes in strings are no duplicates', () => {
  assert.deepEqual(read('{"a":{"b":"x:y\\":"},"b":{"a":[":",{"b":1}]}}').duplicates, [])
  assert.deepEqual(read('{"a":1,"\\u0061":2}').duplicates, ['a'])
})

test('__proto__ is a key like any other', () => {
  const { value, duplicates } = read('{"__proto__":{"polluted":true},"a":1}')
  assert.deepEqual(Object.keys(value as object), ['__proto__', 'a'])
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.deepEqual(duplicates, [])
})

test('numbers that JavaScript would show differently keep their text', () => {
  const { value, literals } = read('{"a":3.0,"b":[1e1,2],"c":12345678901234567890,"d":1.5,"e":7}')
  const object = value as { b: object }
  assert.deepEqual(
    [...(literals?.get(object) ?? [])],
    [
      ['a', '3.0'],
      ['c', '12345678901234567890'],
    ],
  )
  assert.deepEqual([...(literals?.get(object.b) ?? [])], [['0', '1e1']])
  assert.equal(read('{"a":1.5,"b":"3.0"}').literals, undefined)
})

test('texts that are not JSON are refused in the words of Go', () => {
  const cases: readonly (readonly [text: string, message: string])[] = [
    ['', 'unexpected end of JSON input'],
    ['   ', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a":', 'unexpected end of JSON input'],
    ['nonsense', "invalid character 'o' in literal null (expecting 'u')"],
    ['{nope', "invalid character 'n' looking for beginning of object key string"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"kind":"ConfigMap" "apiVersion":"v1"}', `invalid character '"' after object key:value pair`],
    ['{"a":1} {"x":1}', "invalid character '{' after top-level value"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['01', "invalid character '1' after top-level value"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
  ]
  for (const [text, message] of cases)
    assert.throws(
      () => read(text),
      (error) => error instanceof JsonSyntaxError && error.message === message,
      text,
    )
})

test('limits hold before anything is parsed', () => {
  assert.throws(() => readJson(bytes('[1]'), { maxBytes: 2, maxDepth: 10 }), JsonTooLarge)
  assert.throws(() => read('['.repeat(2000) + ']'.repeat(2000)), JsonTooLarge)
  assert.equal(Array.isArray(read('['.repeat(900) + ']'.repeat(900)).value), true)
})

test('whatever bytes are read as JSON give a value or say what is wrong', () => {
  const parts = fc.oneof(
    fc.json(),
    fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\u', '1e999', '-', 'null', '"__proto__":'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(parts, { maxLength: 12 }).map((all) => new TextEncoder().encode(all.join(''))),
  )
  fc.assert(
    fc.property(bytes, fc.constantFrom('last' as const, 'merge' as const), (input, repeated) => {
      try {
        readJson(input, { maxBytes: 1000, maxDepth: 20 }, repeated).places()
      } catch (error) {
        assert.ok(error instanceof SampanError, String(error))
      }
      assert.deepEqual(Object.keys(Object.prototype), [])
    }),
    propertyRuns(300),
  )
})
