import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { lostStatus, planFinished, planPod } from './plan-pod-gc.ts'

const pod = (more: Partial<core.Pod> = {}): core.Pod => ({ spec: { containers: [], nodeName: 'a' }, ...more })
const ending = { metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' } }
const node = (ready: string, ...taints: string[]): core.Node => ({
  spec: { taints: taints.map((key) => ({ key, effect: 'NoExecute' })) },
  status: { conditions: [{ type: 'Ready', status: ready }] },
})
const OUT = 'node.kubernetes.io/out-of-service'

test('a pod that is to end goes at once when nobody would end it', () => {
  assert.equal(planPod(pod(ending), node('Unknown', OUT)), 'remove')
  assert.equal(planPod(pod(ending), node('True', OUT)), 'keep', 'its node answers')
  assert.equal(planPod(pod(ending), node('Unknown', 'node.kubernetes.io/unreachable')), 'keep', 'the machine may still run it')
  assert.equal(planPod(pod(), node('Unknown', OUT)), 'keep', 'it is not to end')
  assert.equal(planPod({ ...ending, spec: { containers: [] } }, undefined), 'remove', 'it never had a node')
  assert.equal(planPod({ spec: { containers: [] } }, undefined), 'keep')
  assert.equal(planPod(pod(), undefined), 'look-for-node')
})

test('of too many finished pods evicted ones go first, then the oldest', () => {
  const finished = (name: string, day: number, reason?: string): core.Pod => ({
    metadata: { name, creationTimestamp: `2026-01-0${day}T00:00:00Z` },
    status: { phase: 'Failed', ...(reason === undefined ? {} : { reason }) },
  })
  const all = [finished('new', 3), finished('old', 1), finished('evicted', 4, 'Evicted'), finished('same-day', 1)]
  const gone = (threshold: number): unknown => planFinished(all, threshold).map(({ metadata }) => metadata?.name)
  assert.deepEqual(gone(2), ['evicted', 'old'])
  assert.deepEqual(gone(1), ['evicted', 'old', 'same-day'])
  assert.deepEqual(gone(4), [])
  assert.deepEqual(gone(0), [])
})

test('a lost pod has failed, and says why once; one that has ended stays as it ended', () => {
  const why = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }
  const running = pod({
    metadata: { generation: 2 },
    status: {
      phase: 'Running',
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'DisruptionTarget', status: 'False' },
      ],
    },
  })
  assert.deepEqual(lostStatus(running, why, 'now'), {
    phase: 'Failed',
    observedGeneration: 2,
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'DisruptionTarget', status: 'True', ...why, observedGeneration: 2, lastTransitionTime: 'now' },
    ],
  })
  assert.equal(lostStatus(running, undefined, 'now')?.conditions?.length, 2)
  assert.equal(lostStatus(pod({ status: { phase: 'Succeeded' } }), why, 'now'), undefined)
})
