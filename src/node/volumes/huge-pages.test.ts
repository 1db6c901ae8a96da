import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { pageBytesOf } from './huge-pages.ts'

const asking = (...sizes: readonly string[]): core.Pod => ({
  spec: { containers: sizes.map((size) => ({ name: size, resources: { requests: { [`hugepages-${size}`]: '1Gi' } } })) },
})

test('the size of the pages follows from the medium, or from what the pod asks for', () => {
  assert.equal(pageBytesOf(asking('2Mi'), 'HugePages'), 2 ** 21)
  assert.equal(pageBytesOf(asking('2Mi', '1Gi'), 'HugePages-1Gi'), 2 ** 30)
})
test('without an answer there is no volume', () => {
  assert.throws(() => pageBytesOf(asking('2Mi', '1Gi'), 'HugePages'), /several sizes/)
  assert.throws(() => pageBytesOf(asking(), 'HugePages'), /no container/)
  assert.throws(() => pageBytesOf(asking('2Mi'), 'HugePages-1Gi'), /of this size/)
})
