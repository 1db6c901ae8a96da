import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { evictionTime, planEviction } from './plan-eviction.ts'

const taint = (key: string, effect = 'NoExecute'): core.Taint => ({ key, effect })
const tolerated = (key: string, tolerationSeconds?: number): core.Toleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
})

test('how long a pod may stay on a node with taints', () => {
  assert.equal(planEviction([], []), 'never')
  assert.equal(planEviction([], [taint('a', 'NoSchedule')]), 'never')
  assert.equal(planEviction([tolerated('b')], [taint('a')]), 'now')
  assert.equal(planEviction([tolerated('a', 5)], [taint('a'), taint('b')]), 'now')
  assert.equal(planEviction([tolerated('a')], [taint('a')]), 'never')
  assert.deepEqual(planEviction([tolerated('a', 9), tolerated('b', 4)], [taint('a'), taint('b')]), { afterMs: 4000 })
  assert.deepEqual(planEviction([tolerated('a', -1)], [taint('a')]), { afterMs: 0 })
})

test('of several tolerations of one taint the first counts', () => {
  assert.deepEqual(planEviction([tolerated('a', 4), tolerated('a')], [taint('a')]), { afterMs: 4000 })
  assert.equal(planEviction([tolerated('a'), tolerated('a', 4)], [taint('a')]), 'never')
})

test('a time that is set stays until the pod is tolerated for good, or no longer', () => {
  assert.deepEqual(evictionTime({ afterMs: 4000 }, undefined, 100), { dueMs: 4100, isCancelled: false })
  assert.deepEqual(evictionTime({ afterMs: 1000 }, 4100, 200), { dueMs: 4100, isCancelled: false })
  assert.deepEqual(evictionTime('never', 4100, 200), { dueMs: undefined, isCancelled: true })
  assert.deepEqual(evictionTime('never', undefined, 200), { dueMs: undefined, isCancelled: false })
  assert.deepEqual(evictionTime('now', 4100, 200), { dueMs: 200, isCancelled: true })
})
