import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LevelDemand } from './level-demand.ts'

const NS = 1e6

test('the demand of a level counts who executes and who waits, for as long as it lasts', () => {
  const level = new LevelDemand(0)
  level.limit(2, 10)
  level.executes(1, 0)
  level.executes(1, 100)
  level.waits(1, 300)
  level.waits(-1, 400)
  level.executes(-1, 400)
  level.read(1000)
  const { bounds, counts, count } = level.demand
  const forMs = (bound: number): number => (counts[bounds.indexOf(bound)] ?? 0) / NS
  // One of two seats at first and at the end, both between, three of two while one waits.
  assert.deepEqual([forMs(0.6), forMs(1), forMs(1.7)], [700, 200, 100])
  assert.equal(count, 1000 * NS)
  assert.equal((level.waiting.counts[level.waiting.bounds.indexOf(0.1)] ?? 0) / NS, 100)
})

test('each ten seconds are summed up when they have ended', () => {
  const level = new LevelDemand(0)
  level.limit(4, 10)
  level.executes(1, 0)
  level.executes(1, 5000)
  level.executes(1, 7500)
  level.executes(-1, 7500)
  assert.deepEqual(level.read(9999), { most: 0, average: 0, deviation: 0 })
  assert.deepEqual(level.read(10_000), { most: 3, average: 1.5, deviation: 0.5 })
  level.executes(-1, 10_000)
  level.executes(-1, 15_000)
  assert.deepEqual(level.read(20_000), { most: 2, average: 0.5, deviation: 0.5 })
  assert.deepEqual(level.read(47_000), { most: 0, average: 0, deviation: 0 })
})
