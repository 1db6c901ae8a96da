import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core, policy } from '#api'
import { failedStatus, needsScale, planBudget } from './plan-budget.ts'
import { selectorText } from './selector-text.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')
const pod = (name: string, ready: boolean, metadata: object = {}): core.Pod => ({
  metadata: { name, ...metadata },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})
const budget = (spec: policy.PodDisruptionBudgetSpec, status?: Partial<policy.PodDisruptionBudgetStatus>): policy.PodDisruptionBudget => ({
  metadata: { name: 'b', generation: 3 },
  spec,
  ...(status === undefined ? {} : { status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...status } }),
})
const figures = (plan: ReturnType<typeof planBudget>): readonly number[] => {
  const { expectedPods = -1, desiredHealthy = -1, currentHealthy = -1, disruptionsAllowed = -1 } = plan.status
  return [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed]
}

describe('planBudget', () => {
  const three = [pod('a', true), pod('b', true), pod('c', false)]
  it('takes a number from the pods and a share from what their owners want, rounded up', () => {
    assert.deepEqual(figures(planBudget(budget({ minAvailable: 1 }), three, 0, NOW)), [3, 1, 2, 1])
    assert.deepEqual(figures(planBudget(budget({ minAvailable: '50%' }), three, 3, NOW)), [3, 2, 2, 0])
    assert.deepEqual(figures(planBudget(budget({ maxUnavailable: '30%' }), three, 4, NOW)), [4, 2, 2, 0])
    assert.deepEqual(figures(planBudget(budget({ maxUnavailable: 5 }), three, 3, NOW)), [3, 0, 2, 2])
    assert.deepEqual([needsScale(budget({ minAvailable: 1 })), needsScale(budget({ minAvailable: '1%' }))], [false, true])
  })

  it('allows nothing without pods', () => {
    const { status } = planBudget(budget({ minAvailable: 0 }), [], 0, NOW)
    assert.equal(status.disruptionsAllowed, 0)
    assert.equal(status.conditions?.[0]?.reason, 'InsufficientPods')
  })

  it('counts neither pods that end nor those whose eviction was allowed a moment ago', () => {
    const pods = [
      pod('ends', true, { deletionTimestamp: '2026-01-01T00:10:30Z' }),
      pod('evicted', true),
      pod('forgotten', true),
      pod('stays', true),
    ]
    const disruptedPods = {
      ends: '2026-01-01T00:09:59Z',
      evicted: '2026-01-01T00:09:30Z',
      forgotten: '2026-01-01T00:07:00Z',
      gone: '2026-01-01T00:09:59Z',
    }
    const plan = planBudget(budget({ minAvailable: 1 }, { disruptedPods }), pods, 0, NOW)
    assert.deepEqual(figures(plan), [4, 1, 2, 1])
    assert.deepEqual(plan.status.disruptedPods, { evicted: '2026-01-01T00:09:30Z' })
    assert.deepEqual(
      plan.notDeleted.map(({ metadata }) => metadata?.name),
      ['forgotten'],
    )
    assert.equal(plan.recheckMs, 90_001)
  })

  it('keeps the time of a condition that stays', () => {
    const before = planBudget(budget({ minAvailable: 1 }), three, 0, NOW).status
    const after = planBudget(budget({ minAvailable: 1 }, before), [...three, pod('d', true)], 0, NOW + 60_000).status
    assert.equal(after.conditions?.[0]?.lastTransitionTime, '2026-01-01T00:10:00Z')
    const failed = failedStatus(budget({}, after), 'why', NOW + 90_000)
    assert.deepEqual(failed.conditions, [
      {
        type: 'DisruptionAllowed',
        status: 'False',
        reason: 'SyncFailed',
        message: 'why',
        observedGeneration: 3,
        lastTransitionTime: '2026-01-01T00:11:30Z',
      },
    ])
    assert.equal(failed.disruptionsAllowed, 0)
  })
})

describe('selectorText', () => {
  it('prints a selector as Go does', () => {
    assert.equal(selectorText(undefined), 'nil')
    assert.equal(
      selectorText({ matchLabels: { b: '2', a: '1' }, matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }] }),
      '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}',
    )
  })
})
