import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { nextStep } from './pod-phases.ts'

const NOW = Date.parse('2026-01-01T00:00:10Z')
const facts = { nowMs: NOW, jobMs: 5_000, address: () => '10.0.0.7' }
const pod = (more: Partial<core.Pod> = {}, spec: Partial<core.PodSpec> = {}): core.Pod => ({
  metadata: { name: 'p', namespace: 'x', uid: 'u' },
  spec: { restartPolicy: 'Always', containers: [{ name: 'c', image: 'i' }], ...spec },
  status: { phase: 'Pending' },
  ...more,
})
const ofJob = (startTime: string): core.Pod =>
  pod(
    {
      metadata: { name: 'p', ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'j', controller: true }] },
      status: {
        phase: 'Running',
        startTime,
        containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0, state: { running: {} } }],
      },
    },
    { restartPolicy: 'Never' },
  )
const statusAfter = (of: core.Pod): core.PodStatus => {
  const step = nextStep(of, facts)
  assert.ok(step?.do === 'status')
  return step.status
}
const isTrue = (status: core.PodStatus, type: string): boolean =>
  status.conditions?.find((condition) => condition.type === type)?.status === 'True'

test('a pod that is bound starts at once, with an address and all conditions', () => {
  const status = statusAfter(
    pod(
      {},
      { readinessGates: [{ conditionType: 'example.com/gate' }], initContainers: [{ name: 'i' }, { name: 's', restartPolicy: 'Always' }] },
    ),
  )
  assert.deepEqual(
    [status.phase, status.podIP, isTrue(status, 'Ready'), isTrue(status, 'example.com/gate')],
    ['Running', '10.0.0.7', true, true],
  )
  assert.equal(status.containerStatuses?.[0]?.ready, true)
  assert.deepEqual(
    status.initContainerStatuses?.map(({ state }) => Object.keys(state ?? {})[0]),
    ['terminated', 'running'],
  )
})

test('a pod that runs stays as it is, unless it belongs to a Job', () => {
  assert.equal(nextStep(pod({ status: { phase: 'Running', startTime: '2025-01-01T00:00:00Z' } }), facts), undefined)
  assert.deepEqual(nextStep(ofJob('2026-01-01T00:00:08Z'), facts), { do: 'wait', untilMs: NOW + 3_000 })
  const status = statusAfter(ofJob('2026-01-01T00:00:01Z'))
  assert.deepEqual(
    [status.phase, isTrue(status, 'Ready'), status.containerStatuses?.[0]?.state?.terminated?.exitCode],
    ['Succeeded', false, 0],
  )
})

test('a pod that somebody has taken for dead with its node is ready again, unless a gate of its says otherwise', () => {
  const gate = 'example.com/gate'
  const since = '2026-01-01T00:00:00Z'
  const judged = (ready: string, ofGate: string): core.Pod =>
    pod(
      {
        status: {
          phase: 'Running',
          conditions: [
            { type: 'Ready', status: ready, lastTransitionTime: since },
            { type: 'ContainersReady', status: 'True', lastTransitionTime: since },
            { type: gate, status: ofGate, lastTransitionTime: since },
          ],
        },
      },
      { readinessGates: [{ conditionType: gate }] },
    )
  assert.deepEqual(statusAfter(judged('False', 'True')), {
    conditions: [
      { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:10Z' },
      { type: 'ContainersReady', status: 'True', lastTransitionTime: since },
      { type: gate, status: 'True', lastTransitionTime: since },
    ],
  })
  assert.equal(nextStep(judged('False', 'False'), facts), undefined)
  assert.equal(nextStep(judged('True', 'True'), facts), undefined)
})

test('a pod that is deleted goes, and one that has ended stays', () => {
  assert.deepEqual(nextStep(pod({ metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' } }), facts), { do: 'remove' })
  assert.equal(nextStep(pod({ status: { phase: 'Succeeded' } }), facts), undefined)
})
