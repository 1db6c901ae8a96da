import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeRefusals, refusals, statusRefusals } from '../refusals.fixture.ts'
import { podDisruptionBudgets } from './index.ts'

const metadata = { name: 'b', namespace: 'n' }

describe('PodDisruptionBudget', () => {
  const cases = [
    [{}, []],
    [{ minAvailable: '50%' }, []],
    [{ minAvailable: '101%' }, ['spec.minAvailable: Invalid value: "101%": must not be greater than 100%']],
    [{ maxUnavailable: -1 }, ['spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0']],
    [
      { minAvailable: 1, maxUnavailable: 1 },
      [
        'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set',
      ],
    ],
  ] as const
  for (const [spec, refused] of cases) {
    it(`checks ${JSON.stringify(spec)}`, () => assert.deepEqual(refusals(podDisruptionBudgets, { metadata, spec }), refused))
  }

  it('may change', () => {
    const change = (draft: { spec?: { minAvailable?: number | string | undefined } | undefined }): void => {
      draft.spec = { minAvailable: 2 }
    }
    assert.deepEqual(changeRefusals(podDisruptionBudgets, { metadata, spec: { maxUnavailable: 1 } }, change), [])
  })

  it('has conditions of the common form in its status', () => {
    const old = { metadata, spec: { minAvailable: 1 } }
    const status = {
      disruptionsAllowed: -1,
      currentHealthy: 0,
      desiredHealthy: 0,
      expectedPods: 0,
      conditions: [{ type: 'DisruptionAllowed', status: 'Maybe', lastTransitionTime: '2026-01-01T00:00:00Z', reason: 'R', message: '' }],
    }
    assert.deepEqual(statusRefusals(podDisruptionBudgets, old, { ...old, status }), [
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
      'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0',
    ])
  })
})
