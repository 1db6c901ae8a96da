import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OncePerPart, isShared, share } from './shared-parts.ts'

test('a shared part cannot be changed anywhere in it', () => {
  const part: { list: { a: number }[] } = share({ list: [{ a: 1 }] })
  assert.equal(isShared(part), true)
  assert.throws(() => part.list.push({ a: 2 }), TypeError)
  assert.throws(() => Object.assign(part.list[0] ?? {}, { a: 2 }), TypeError)
  assert.equal(isShared({ ...part }), false)
  assert.equal(isShared(null), false)
})

test('what a function gives is worked out once for a part, and each time for other values', () => {
  let calls = 0
  const sizes = new OncePerPart<object, number>((value) => {
    calls++
    return Object.keys(value).length
  })
  const part = share({ a: 1, b: 2 })
  assert.deepEqual([sizes.of(part), sizes.of(part), calls], [2, 2, 1])
  const own: Record<string, number> = { a: 1 }
  assert.equal(sizes.of(own), 1)
  own['b'] = 2
  assert.equal(sizes.of(own), 2)
})
