import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { spreadOverSlots } from './slots.ts'

const targets = fc.uniqueArray(fc.record({ address: fc.ipV4(), port: fc.integer({ min: 1, max: 65_535 }) }), {
  minLength: 2,
  maxLength: 20,
  selector: ({ address }) => address,
})

test('an endpoint that leaves gives away only its own slots', () => {
  fc.assert(
    fc.property(targets, fc.nat(), (all, pick) => {
      const leaving = all[pick % all.length]
      const before = spreadOverSlots(all)
      const after = spreadOverSlots(all.filter((target) => target !== leaving))
      fc.pre(before.length === after.length)
      for (const [slot, target] of before.entries()) if (target !== leaving) assert.equal(after[slot], target)
      assert.ok(!after.includes(leaving ?? { address: '', port: 0 }))
    }),
    propertyRuns(100),
  )
})

test('the order of endpoints does not matter, and each has slots', () => {
  for (const count of [1, 2, 3, 5, 16, 17, 100]) {
    const all = Array.from({ length: count }, (_, i) => ({ address: `10.244.${i >> 7}.${i & 127}`, port: 8080 }))
    const slots = spreadOverSlots(all)
    assert.deepEqual(spreadOverSlots(all.toReversed()), slots)
    assert.equal(new Set(slots).size, count)
    assert.equal(Math.log2(slots.length) % 1, 0)
    const most = Math.max(...all.map((target) => slots.filter((slot) => slot === target).length))
    assert.ok(most <= (slots.length / count) * 3, `${most} of ${slots.length} slots for one of ${count}`)
  }
})
