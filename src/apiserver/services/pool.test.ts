import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '#base'
import { manualClock, propertyRuns } from '#testing/basics'
import { NumberPool, reservedPart } from './pool.ts'

function pool(size: number, stored: Map<string, ReadonlySet<number>>, clock = manualClock()): NumberPool {
  return new NumberPool({
    first: 100,
    size,
    reserved: 4,
    clock,
    random: seededRandom(1),
    holds: (owner, number) => stored.get(owner)?.has(number) === true,
  })
}

describe('a pool of numbers', () => {
  it('never gives one number to two owners, whatever comes, goes and fails', () => {
    const step = fc.record({
      owner: fc.integer({ min: 0, max: 5 }).map(String),
      what: fc.constantFrom('create', 'fail', 'delete', 'change'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const stored = new Map<string, Set<number>>()
        const numbers = pool(8, stored)
        for (const { owner, what } of steps) {
          const held = stored.get(owner)
          if (what === 'delete') {
            stored.delete(owner)
            for (const number of held ?? []) numbers.free(number, owner)
            continue
          }
          if (what === 'create' && held !== undefined) continue
          const chosen = numbers.choose()
          if (chosen === undefined) {
            assert.equal(
              [...stored.values()].reduce((sum, set) => sum + set.size, 0),
              8,
            )
            continue
          }
          numbers.take(chosen, owner)
          if (what === 'fail') numbers.free(chosen, owner)
          else {
            stored.set(owner, new Set([chosen]))
            for (const number of held ?? []) numbers.free(number, owner)
          }
          const all = [...stored.values()].flatMap((set) => [...set])
          assert.equal(new Set(all).size, all.length)
        }
      }),
      propertyRuns(100),
    )
  })

  it('keeps a number that is being written, before it is stored', () => {
    const numbers = pool(8, new Map())
    numbers.take(103, 'a')
    assert.equal(numbers.isTaken(103), true)
  })

  it('takes a number back from a write that was never heard of again', () => {
    const clock = manualClock()
    const numbers = pool(8, new Map(), clock)
    numbers.take(103, 'a')
    clock.advance(120_000)
    assert.equal(numbers.isTaken(103), false)
  })

  it('gives out the reserved part last', () => {
    const stored = new Map<string, Set<number>>()
    const numbers = pool(8, stored)
    const order = Array.from({ length: 8 }, (_, i) => {
      const chosen = numbers.choose() ?? -1
      stored.set(String(i), new Set([chosen]))
      numbers.take(chosen, String(i))
      return chosen
    })
    assert.deepEqual(
      order.slice(0, 4).sort((a, b) => a - b),
      [104, 105, 106, 107],
    )
    assert.deepEqual(
      order.slice(4).sort((a, b) => a - b),
      [100, 101, 102, 103],
    )
    assert.equal(numbers.choose(), undefined)
  })

  it('reserves nothing of a small range and at most what it is told', () => {
    assert.deepEqual(
      [
        [8, 16, 256],
        [254, 16, 256],
        [65_534, 16, 256],
        [2768, 32, 128],
      ].map(([size = 0, share = 0, most = 0]) => reservedPart(size, share, most)),
      [0, 16, 256, 86],
    )
  })
})
