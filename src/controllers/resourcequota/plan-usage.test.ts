import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { planUsage } from './plan-usage.ts'

describe('planUsage', () => {
  const hard = { pods: '5', 'count/x.example.com': '1' }
  it('takes a quota in with what is known', () => {
    const plan = planUsage({ spec: { hard } }, { pods: '2', secrets: '1' })
    assert.deepEqual(plan, { status: { hard, used: { pods: '2' } }, claims: ['pods'] })
  })
  it('has nothing to write when the figures are the same, however written', () => {
    const status = { hard: { pods: '5', 'count/x.example.com': '1000m' }, used: { pods: '2000m' } }
    assert.equal(planUsage({ spec: { hard }, status }, { pods: '2' }).status, undefined)
  })
  it('claims that less is used, and not that more is', () => {
    const status = { hard, used: { pods: '2', 'count/x.example.com': '1' } }
    assert.deepEqual(planUsage({ spec: { hard }, status }, { pods: '1' }).claims, ['pods'])
    assert.deepEqual(planUsage({ spec: { hard }, status }, { pods: '3' }).claims, [])
    assert.deepEqual(planUsage({ spec: { hard }, status }, { pods: '3' }).status?.used, { pods: '3', 'count/x.example.com': '1' })
  })
  it('drops what is no longer limited', () => {
    const status = { hard: { pods: '5', secrets: '3' }, used: { pods: '2', secrets: '1' } }
    assert.deepEqual(planUsage({ spec: { hard: { pods: '5' } }, status }, { pods: '2' }).status, {
      hard: { pods: '5' },
      used: { pods: '2' },
    })
  })
})
