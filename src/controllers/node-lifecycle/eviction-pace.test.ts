import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EvictionPace } from './eviction-pace.ts'

test('in each zone one node at once, the next when its turn has come', () => {
  const pace = new EvictionPace()
  assert.equal(pace.waitMs('z', 'a', 0.1, 0), 0)
  assert.equal(pace.waitMs('z', 'b', 0.1, 1_000), 9_000)
  assert.equal(pace.waitMs('other', 'c', 0.1, 1_000), 0)
  assert.equal(pace.waitMs('z', 'b', 0.1, 10_000), 0)
  assert.equal(pace.waitMs('z', 'd', 0.1, 10_000), 10_000)
})

test('whose turn has come keeps it until the node is well', () => {
  const pace = new EvictionPace()
  assert.equal(pace.waitMs('z', 'a', 0.01, 0), 0)
  assert.equal(pace.waitMs('z', 'a', 0.01, 1), 0)
  pace.forget('a')
  assert.equal(pace.waitMs('z', 'a', 0.01, 1), 99_999)
})

test('where none may begin, none ever has its turn after the first', () => {
  const pace = new EvictionPace()
  pace.waitMs('z', 'a', 0.1, 0)
  assert.equal(pace.waitMs('z', 'b', 0, 0), Number.POSITIVE_INFINITY)
})
