import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, sameOnWire } from './template-hash.ts'

test('two values are written alike exactly when their canonical JSON is', () => {
  const leaf = fc.constantFrom<unknown>(undefined, null, 0, 1, '', 'a', true)
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
    ),
  })).any
  fc.assert(
    fc.property(value, value, (a, b) => assert.equal(sameOnWire(a, b), canonicalJson(a) === canonicalJson(b))),
    { numRuns: 2000 },
  )
})
