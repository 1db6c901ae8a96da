import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { Entry } from '../entry.ts'
import { OrderedIndex } from './ordered-index.ts'

const entry = (key: string, revision = 1): Entry => new Entry(key, Buffer.alloc(0), revision, {}, undefined)
const keys = (entries: readonly Entry[]): string[] => entries.map(({ key }) => key)

test('entries stand in key order whatever the order of writes, and snapshots do not move', () => {
  const operation = fc.record({
    key: fc.integer({ min: 0, max: 2000 }).map((n) => `k${String(n).padStart(4, '0')}`),
    isDelete: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 3000 }), fc.integer({ min: 1, max: 500 }), (operations, every) => {
      const index = new OrderedIndex()
      const model = new Map<string, Entry>()
      const kept: { readonly snapshot: ReturnType<OrderedIndex['snapshot']>; readonly keys: string[] }[] = []
      operations.forEach(({ key, isDelete }, at) => {
        if (isDelete) {
          assert.equal(index.delete(key), model.get(key))
          model.delete(key)
        } else {
          const put = entry(key, at)
          assert.equal(index.set(put), model.get(key))
          model.set(key, put)
        }
        if (at % every === 0) kept.push({ snapshot: index.snapshot(), keys: [...model.keys()].sort() })
      })
      assert.equal(index.size, model.size)
      assert.deepEqual(keys(index.snapshot().slice('', undefined)), [...model.keys()].sort())
      for (const { snapshot, keys: expected } of kept) assert.deepEqual(keys(snapshot.slice('', undefined)), expected)
    }),
    propertyRuns(25),
  )
})

test('a range begins at its first key and ends before its last', () => {
  const index = new OrderedIndex()
  for (let at = 0; at < 1000; at++) index.set(entry(`a/${String(at).padStart(4, '0')}`))
  index.set(entry('b/0'))
  assert.deepEqual(keys(index.snapshot().slice('a/0998', 'a0')), ['a/0998', 'a/0999'])
  assert.deepEqual(keys(index.snapshot().slice('a0', undefined)), ['b/0'])
  assert.deepEqual(keys([...index.snapshot().range('a/0300', 'a/0302')]), ['a/0300', 'a/0301'])
})
