import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { apps, core } from '#api'
import type { Informer } from '#reconcile'
import { compilePod } from '../pod/pod-info.ts'
import { siblingSelector } from './siblings.ts'

const informer = <T>(objects: Readonly<Record<string, T>>): Informer<T & object> =>
  ({ get: (key: string) => objects[key], list: () => Object.values(objects) }) as unknown as Informer<T & object>

const pod: core.Pod = {
  metadata: {
    name: 'web-1',
    namespace: 'x',
    labels: { app: 'web', hash: '1' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true }],
  },
  spec: { containers: [] },
}

const selectorWith = (replicaSets: Readonly<Record<string, apps.ReplicaSet>>): unknown =>
  siblingSelector({
    services: informer({}),
    replicasets: informer(replicaSets),
    statefulsets: undefined,
    replicationcontrollers: undefined,
  })(compilePod(pod))

test('siblings are the pods that the controller selects', () => {
  const web: apps.ReplicaSet = { metadata: { name: 'web', namespace: 'x' }, spec: { selector: { matchLabels: { app: 'web' } } } }
  assert.deepEqual(selectorWith({ 'x/web': web }), { matchLabels: { app: 'web' }, matchExpressions: [] })
})

test('a ReplicaSet that has not been seen yet is stood in for by the labels of its pods', () => {
  assert.deepEqual(selectorWith({}), { matchLabels: { app: 'web', hash: '1' }, matchExpressions: [] })
})
