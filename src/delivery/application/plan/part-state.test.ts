import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KubeObject } from '#api'
import { modePatch } from '../modes.ts'
import { seenPart } from './part-state.ts'

const object = (kind: string, spec: object, status: object): KubeObject =>
  ({ kind, metadata: { name: 'a', generation: 2 }, spec, status }) as KubeObject
const observed = { observedGeneration: 2 }
const pods = (wanted: number, updated: number, ready: number, available: number) => ({ wanted, updated, ready, available })
const condition = (type: string, status: string, message: string) => ({ conditions: [{ type, status, message }] })

describe('how a part is', () => {
  const table: readonly (readonly [string, KubeObject, object])[] = [
    [
      'a Deployment whose controller has not looked yet',
      object(
        'Deployment',
        { replicas: 1 },
        { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
      ),
      { state: 'Progressing', message: '1 of 1 pods are ready', pods: pods(1, 1, 1, 1) },
    ],
    [
      'a Deployment with a pod of the former template left',
      object('Deployment', { replicas: 1 }, { ...observed, replicas: 2, updatedReplicas: 1, readyReplicas: 2, availableReplicas: 2 }),
      { state: 'Progressing', message: '2 of 1 pods are ready', pods: pods(1, 1, 2, 2) },
    ],
    [
      'a Deployment that takes too long',
      object('Deployment', { replicas: 2 }, { ...observed, ...condition('Progressing', 'False', 'too slow') }),
      { state: 'Failed', message: 'too slow', pods: pods(2, 0, 0, 0) },
    ],
    [
      'a StatefulSet in the middle of an update',
      object('StatefulSet', { replicas: 3 }, { ...observed, replicas: 3, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3 }),
      { state: 'Progressing', message: '3 of 3 pods are ready', pods: pods(3, 1, 3, 3) },
    ],
    [
      'a DaemonSet that is everywhere',
      object(
        'DaemonSet',
        {},
        {
          ...observed,
          desiredNumberScheduled: 2,
          currentNumberScheduled: 2,
          updatedNumberScheduled: 2,
          numberReady: 2,
          numberAvailable: 2,
        },
      ),
      { state: 'Ready', pods: pods(2, 2, 2, 2) },
    ],
    ['a Job that runs', object('Job', { completions: 3 }, { succeeded: 1 }), { state: 'Progressing', message: '1 of 3 are through' }],
    ['a Job that is through', object('Job', {}, condition('Complete', 'True', '')), { state: 'Ready' }],
    ['a Job that failed', object('Job', {}, condition('Failed', 'True', 'too often')), { state: 'Failed', message: 'too often' }],
    [
      'a claim that waits for its first pod',
      object('PersistentVolumeClaim', {}, { phase: 'Pending' }),
      { state: 'Ready', message: 'gets its volume with the first pod' },
    ],
    [
      'a claim whose volume is gone',
      object('PersistentVolumeClaim', {}, { phase: 'Lost' }),
      { state: 'Failed', message: 'its volume is lost' },
    ],
    ['a Service', object('Service', {}, {}), { state: 'Ready' }],
  ]
  for (const [name, live, expected] of table) test(name, () => assert.deepEqual(seenPart(live), expected))
})

describe('suspending and resuming', () => {
  const held = (kind: string, memory: string): KubeObject => ({ kind, metadata: { name: 'a', annotations: { 'sampan.io/held': memory } } })
  const release = (spec: object): object => ({ metadata: { annotations: { 'sampan.io/held': null } }, spec })
  const hold = (memory: string, spec: object): object => ({ metadata: { annotations: { 'sampan.io/held': memory } }, spec })
  const nowhere = (value: 'true' | null) => ({ template: { spec: { nodeSelector: { 'sampan.io/held': value } } } })

  test('remember how it was', () => {
    assert.deepEqual(modePatch(object('StatefulSet', { replicas: 4 }, {}), 'Suspended'), hold('4', { replicas: 0 }))
    assert.deepEqual(modePatch(object('DaemonSet', {}, {}), 'Stopped'), hold('', nowhere('true')))
    assert.deepEqual(modePatch(object('CronJob', { suspend: true }, {}), 'Suspended'), hold('true', { suspend: true }))
    assert.deepEqual(modePatch(object('Job', {}, {}), 'Suspended'), hold('false', { suspend: true }))
    assert.deepEqual(modePatch(held('Deployment', '4'), 'Running'), release({ replicas: 4 }))
    assert.deepEqual(modePatch(held('DaemonSet', ''), 'Running'), release(nowhere(null)))
    assert.deepEqual(modePatch(held('CronJob', 'true'), 'Running'), release({ suspend: true }))
    assert.deepEqual(modePatch(held('Job', 'false'), 'Running'), release({ suspend: false }))
  })

  test('change nothing twice, and nothing that has ended or has no pods', () => {
    assert.equal(modePatch(held('Deployment', '4'), 'Suspended'), undefined)
    assert.equal(modePatch(object('Deployment', { replicas: 4 }, {}), 'Running'), undefined)
    assert.equal(modePatch(object('Job', {}, condition('Complete', 'True', '')), 'Suspended'), undefined)
    assert.equal(modePatch(object('Service', {}, {}), 'Suspended'), undefined)
  })

  test('give one pod where somebody has spoilt the memory', () => {
    assert.deepEqual(modePatch(held('Deployment', 'many'), 'Running'), release({ replicas: 1 }))
  })
})
