import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CidrPool, poolRange } from './pool.ts'

describe('the pool of pod addresses', () => {
  test('gives each node another part, and the same node the same', () => {
    const pool = new CidrPool(poolRange('10.128.16.0/20', 24))
    assert.deepEqual([pool.take('a'), pool.take('b'), pool.take('a')], ['10.128.16.0/24', '10.128.17.0/24', '10.128.16.0/24'])
  })
  test('gives what nodes had before to nobody else', () => {
    const pool = new CidrPool(poolRange('10.0.0.0/22', 24))
    assert.equal(pool.occupy('old', ['10.0.0.0/23']), true)
    assert.deepEqual([pool.take('a'), pool.take('b'), pool.take('c')], ['10.0.2.0/24', '10.0.3.0/24', undefined])
  })
  test('cuts ranges of IPv6 in the same way', () => {
    const pool = new CidrPool(poolRange('fd00:10:244::/56', 64))
    assert.deepEqual([pool.take('a'), pool.take('b')], ['fd00:10:244::/64', 'fd00:10:244:1::/64'])
    assert.equal(pool.occupy('c', ['fd00:10:244:fe::/63']), true)
    assert.equal(pool.occupy('d', ['fd00:10:244:ff::/64']), false)
    assert.equal(pool.occupy('e', ['fd00:10:245::/64']), false)
  })
  test('says when two nodes have the same, or one something else', () => {
    const pool = new CidrPool(poolRange('10.0.0.0/22', 24))
    assert.equal(pool.occupy('a', ['10.0.0.0/24']), true)
    assert.equal(pool.occupy('b', ['10.0.0.0/24']), false)
    assert.equal(pool.occupy('c', ['192.168.0.0/24']), false)
    pool.release('b')
    assert.equal(pool.take('d'), '10.0.1.0/24')
  })
  test('gives what came back only after all others', () => {
    const pool = new CidrPool(poolRange('10.0.0.0/22', 24))
    assert.equal(pool.take('a'), '10.0.0.0/24')
    pool.release('a')
    assert.deepEqual(
      ['b', 'c', 'd', 'e', 'f'].map((node) => pool.take(node)),
      ['10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24', '10.0.0.0/24', undefined],
    )
  })
  test('refuses ranges that cannot be cut so', () => {
    for (const [cidr, mask] of [
      ['10.0.0.0/24', 20],
      ['10.0.0.0/8', 30],
      ['fd00::/40', 64],
      ['fd00::/120', 127],
      ['fd00::1::/120', 124],
      ['10.0.0.0/16', 31],
    ] as const)
      assert.throws(() => poolRange(cidr, mask), RangeError)
  })
})
