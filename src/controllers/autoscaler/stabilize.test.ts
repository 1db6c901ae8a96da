import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#base'
import type { autoscaling } from '#api'
import { type Limits, type ScaleMemory, decide, firstMemory, withScaleEvent } from './stabilize.ts'

const EMPTY: ScaleMemory = { recommendations: [], ups: [], downs: [] }
const limits = (current: number, behavior?: autoscaling.HorizontalPodAutoscalerBehavior, max = 100): Limits => ({
  current,
  min: 2,
  max,
  behavior,
  downscaleWindowMs: 300_000,
})
const told = (memory: ScaleMemory, asked: number, bounds: Limits, nowMs = 1_000_000): unknown[] => {
  const { replicas, able, limited } = decide(memory, asked, bounds, nowMs)
  return [replicas, able.reason, limited.reason, limited.isLimited]
}
const rules = (type: string, value: number, more: autoscaling.HPAScalingRules = {}): autoscaling.HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [{ type, value, periodSeconds: 60 }],
  ...more,
})

test('without a behavior it doubles at most, or goes to four, within the bounds', () => {
  assert.deepEqual(told(EMPTY, 50, limits(1)), [4, 'ReadyForNewScale', 'ScaleUpLimit', true])
  assert.deepEqual(told(EMPTY, 50, limits(10)), [20, 'ReadyForNewScale', 'ScaleUpLimit', true])
  assert.deepEqual(told(EMPTY, 50, limits(10, undefined, 15)), [15, 'ReadyForNewScale', 'TooManyReplicas', true])
  assert.deepEqual(told(EMPTY, 1, limits(10)), [2, 'ReadyForNewScale', 'TooFewReplicas', true])
  assert.deepEqual(told(EMPTY, 12, limits(10)), [12, 'ReadyForNewScale', 'DesiredWithinRange', false])
})

test('shrinking waits for the highest recommendation of five minutes', () => {
  const memory = firstMemory(10, 900_000)
  assert.deepEqual(told(memory, 5, limits(10)), [10, 'ScaleDownStabilized', 'DesiredWithinRange', false])
  assert.deepEqual(told(memory, 5, limits(10), 1_200_000), [5, 'ReadyForNewScale', 'DesiredWithinRange', false])
})

test('a load that is higher for a moment, within the size that there is, does not hold that size', () => {
  const shrunkAt = (isHigh: (atMs: number) => boolean): number | undefined => {
    let memory = firstMemory(4, 0)
    for (let atMs = 0; atMs < 400_000; atMs += 700) {
      const decision = decide(memory, isHigh(atMs) ? 4 : 2, limits(4), atMs)
      if (decision.replicas < 4) return atMs
      memory = decision.memory
    }
    return undefined
  }
  // Two seconds of each half minute, as where one burst begins before the last one ends; and nine tenths of the time.
  assert.equal(
    shrunkAt((atMs) => atMs % 30_000 < 2_000),
    302_400,
  )
  assert.equal(
    shrunkAt((atMs) => atMs % 7_000 < 6_300),
    undefined,
  )
})

test('growing waits for the lowest recommendation of its window', () => {
  const behavior = { scaleUp: rules('Pods', 100, { stabilizationWindowSeconds: 60 }), scaleDown: rules('Pods', 100) }
  const memory = firstMemory(12, 990_000)
  assert.deepEqual(told(memory, 20, limits(10, behavior)), [12, 'ScaleUpStabilized', 'DesiredWithinRange', false])
})

test('policies limit what changes in their period', () => {
  const behavior = { scaleUp: rules('Pods', 4), scaleDown: rules('Percent', 10) }
  assert.deepEqual(told(EMPTY, 50, limits(10, behavior)), [14, 'ReadyForNewScale', 'ScaleUpLimit', true])
  const grown = withScaleEvent(EMPTY, 10, 14, behavior, 980_000)
  assert.deepEqual(told(grown, 50, limits(14, behavior)), [14, 'ReadyForNewScale', 'ScaleUpLimit', true])
  assert.deepEqual(told(grown, 50, limits(14, behavior), 1_041_000), [18, 'ReadyForNewScale', 'ScaleUpLimit', true])
  assert.deepEqual(told(EMPTY, 2, limits(20, behavior)), [18, 'ReadyForNewScale', 'ScaleDownLimit', true])
})

test('the policy is chosen as told, and can be none', () => {
  const policies = [
    { type: 'Pods', value: 1, periodSeconds: 60 },
    { type: 'Percent', value: 50, periodSeconds: 60 },
  ]
  const both = (selectPolicy: string): autoscaling.HorizontalPodAutoscalerBehavior => ({
    scaleUp: { stabilizationWindowSeconds: 0, selectPolicy, policies },
    scaleDown: { stabilizationWindowSeconds: 0, selectPolicy, policies },
  })
  const sizes = (selectPolicy: string): unknown[] => [50, 2].map((asked) => told(EMPTY, asked, limits(10, both(selectPolicy)))[0])
  assert.deepEqual(sizes('Max'), [15, 5])
  assert.deepEqual(sizes('Min'), [11, 9])
  assert.deepEqual(sizes('Disabled'), [10, 10])
})

test('whatever is asked for, the size stays within bounds and rates', () => {
  const random = seededRandom(7)
  const behavior = { scaleUp: rules('Pods', 3), scaleDown: rules('Pods', 2) }
  let memory = firstMemory(5, 0)
  let current = 5
  const changes: { readonly atMs: number; readonly by: number }[] = []
  for (let nowMs = 1_000; nowMs < 2_000_000; nowMs += 15_000) {
    const decision = decide(memory, Math.floor(random.float() * 40), limits(current, behavior, 30), nowMs)
    ;({ memory } = decision)
    assert.ok(decision.replicas >= 2 && decision.replicas <= 30)
    if (decision.replicas === current) continue
    memory = withScaleEvent(memory, current, decision.replicas, behavior, nowMs)
    changes.push({ atMs: nowMs, by: decision.replicas - current })
    const grows = decision.replicas > current
    current = decision.replicas
    const inMinute = changes.filter(({ atMs }) => nowMs - atMs < 60_000).reduce((sum, { by }) => sum + by, 0)
    assert.ok(grows ? inMinute <= 3 : inMinute >= -2, `${inMinute} within a minute`)
  }
})
