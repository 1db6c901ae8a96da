import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeRefusals, created, refusals } from '../refusals.fixture.ts'
import { priorityClasses } from './index.ts'

describe('PriorityClass', () => {
  const named = (name: string, value: number): { metadata: { name: string }; value: number } => ({ metadata: { name }, value })

  it('leaves the highest numbers to the system', () => {
    assert.deepEqual(refusals(priorityClasses, named('mine', 1_000_000_001)), [
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ])
    assert.deepEqual(refusals(priorityClasses, named('system-node-critical', 2_000_001_000)), [])
    assert.equal(refusals(priorityClasses, named('system-node-critical', 1)).length, 1)
    assert.equal(refusals(priorityClasses, named('system-mine', 1)).length, 1)
  })

  it('preempts unless it says otherwise, for good', () => {
    assert.equal(created(priorityClasses, named('mine', 1)).preemptionPolicy, 'PreemptLowerPriority')
    const refused = changeRefusals(priorityClasses, named('mine', 1), (draft) => {
      draft.preemptionPolicy = 'Never'
    })
    assert.deepEqual(refused, ['preemptionPolicy: Invalid value: "Never": field is immutable'])
  })
})
