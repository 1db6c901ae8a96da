import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressPool } from './address-pool.ts'

test('each Service has an address of its own, and keeps it', () => {
  const pool = new AddressPool('10.9.0.128/30')
  assert.deepEqual([pool.take('a'), pool.take('b'), pool.take('a')], ['10.9.0.128', '10.9.0.129', '10.9.0.128'])
  assert.equal(pool.occupy('c', '10.9.0.129'), false)
  assert.equal(pool.occupy('c', '10.9.0.131'), true)
  assert.deepEqual([pool.take('d'), pool.take('e')], ['10.9.0.130', undefined])
  pool.release('a')
  assert.equal(pool.take('e'), '10.9.0.128')
})

test('a Service that moves gives its old address back', () => {
  const pool = new AddressPool('10.9.0.0/31')
  pool.take('a')
  assert.equal(pool.occupy('a', '10.9.0.1'), true)
  assert.equal(pool.take('b'), '10.9.0.0')
})

test('knows its addresses by their own text only', () => {
  const pool = new AddressPool('10.9.0.128/26')
  assert.deepEqual(
    ['10.9.0.128', '10.9.0.191', '10.9.0.192', '10.9.0.0128', 'example.com', ''].map((address) => pool.has(address)),
    [true, true, false, false, false, false],
  )
  for (const cidr of ['10.0.0.0/8', 'fd00::/64', '10.0.0.300/28', 'x']) assert.throws(() => new AddressPool(cidr), RangeError)
})
