import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StatusError } from '#api'
import { propertyRuns } from '#testing/basics'
import { decodeContinue, encodeContinue } from './continue-token.ts'

/** Names as they stand in keys: no part of a path that leads elsewhere. */
const keys = fc
  .array(
    fc.string({ minLength: 1, unit: 'binary-ascii' }).filter((part) => !part.includes('/') && part !== '.' && part !== '..'),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => parts.join('/'))

test('a token is read as what it was', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1 }).filter((revision) => revision !== 0),
      keys,
      (revision, start) => {
        assert.deepEqual(decodeContinue(encodeContinue({ revision, start })), { revision, start })
      },
    ),
    propertyRuns(100),
  )
})

test('whatever is sent as a token is one, or refused with 400', () => {
  const encoded = fc.oneof(
    fc.json(),
    fc.string({ unit: 'binary' }),
    fc
      .record({ v: fc.constantFrom('meta.k8s.io/v1', 'x', 1), rv: fc.jsonValue(), start: fc.jsonValue() })
      .map((one) => JSON.stringify(one)),
  )
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    encoded.map((text) => Buffer.from(text).toString('base64url')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const { revision, start } = decodeContinue(text)
        assert.ok(Number.isSafeInteger(revision) && start !== '')
      } catch (error) {
        assert.ok(error instanceof StatusError, String(error))
        assert.equal(error.status.code, 400)
      }
    }),
    propertyRuns(300),
  )
})

test('a token that is no base64 is refused with the place of what is wrong', () => {
  const told = (text: string): string => {
    try {
      decodeContinue(text)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  assert.match(told('x'), /illegal base64 data at input byte 0$/)
  assert.match(told('abcd$'), /illegal base64 data at input byte 4$/)
})

test('a token that would lead out of the collection is refused', () => {
  for (const start of ['../a', 'a/../b', 'a//b', './a', 'a/', '..'])
    assert.throws(() => decodeContinue(encodeContinue({ revision: 1, start })), /continue key is not valid: /, start)
})
