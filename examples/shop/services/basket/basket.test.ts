import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { basketOf, changeBasket } from './basket.ts'

const nowhere = { send: () => Promise.reject(new Error('Redis was asked')) }

describe('a basket', () => {
  test('is made of fields and values, in the order of names', () => {
    assert.deepEqual(Object.entries(basketOf(['rope', '2', 'lantern', '1'])), [
      ['lantern', 1],
      ['rope', 2],
    ])
    assert.throws(() => basketOf('OK'), /not answer with a list/)
  })

  for (const change of [
    undefined,
    {},
    { product: 'A B', delta: 1 },
    { product: 'rope' },
    { product: 'rope', delta: 0.5 },
    { product: 'rope', delta: 100 },
  ])
    test(`refuses ${JSON.stringify(change)} before Redis is asked`, () =>
      assert.rejects(changeBasket(nowhere, 'someone-1', change), { status: 400 }))
})
