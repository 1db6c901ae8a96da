import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseProducts } from './products.ts'

const lantern = { id: 'lantern', name: { en: 'Lantern', zh: '灯' }, about: { en: 'Shines', zh: '亮' }, price: 100 }

describe('the catalog', () => {
  test('reads products as they are', () => {
    assert.deepEqual(parseProducts(JSON.stringify([lantern])), [lantern])
  })

  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{}, /products: must be a list/],
    [[1], /products\[0\]: must be an object/],
    [[{ ...lantern, id: 'A b' }], /products\[0\]\.id/],
    [[lantern, { ...lantern, id: 'oar', price: 1.5 }], /products\[1\]\.price/],
    [[{ ...lantern, name: { en: 'Lantern' } }], /products\[0\]\.name: must have en and zh/],
    [[lantern, lantern], /lantern is there twice/],
  ]
  for (const [products, message] of refused)
    test(`refuses with ${message.source}`, () => assert.throws(() => parseProducts(JSON.stringify(products)), message))
})
