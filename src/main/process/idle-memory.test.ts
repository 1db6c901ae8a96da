import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { releaseIdleMemory } from './idle-memory.ts'

const MIB = 2 ** 20

test('collects once a burst is over, and not again before there is something to gain', () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  let cpuMs = 0
  let heap = 60 * MIB
  let collections = 0
  const pass = (seconds: number, busyShare: number): number => {
    for (let at = 0; at < seconds; at += 5) {
      cpuMs += 5000 * busyShare
      clock.advance(5_000)
    }
    return collections
  }
  const collect = (): void => {
    collections++
    heap = 27 * MIB
    cpuMs += 400
  }
  releaseIdleMemory(scope, { cpuMs: () => cpuMs, heapBytes: () => heap, collect })
  assert.equal(pass(60, 0.5), 0)
  assert.equal(pass(60, 0.01), 1)
  heap = 30 * MIB
  assert.equal(pass(600, 0.01), 1)
  heap = 50 * MIB
  assert.equal(pass(60, 0.2), 1)
  assert.equal(pass(5, 0.01), 2)
  scope.cancel()
  heap = 90 * MIB
  assert.equal(pass(60, 0), 2)
})

test('a full collection of this very process gives memory back', () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  let held: unknown[] = Array.from({ length: 400_000 }, (_, at) => ({ at }))
  const before = process.memoryUsage().heapTotal
  assert.equal(held.length, 400_000)
  held = []
  releaseIdleMemory(scope)
  clock.advance(5_000)
  scope.cancel()
  assert.ok(process.memoryUsage().heapTotal < before - 10 * MIB)
})
