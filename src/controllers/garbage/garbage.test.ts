import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KubeObject, refs } from '#api'
import { OwnerGraph } from './graph.ts'
import { type OwnerState, planDeletion } from './plan-deletion.ts'

const map = (
  name: string,
  owner?: { readonly name: string; readonly uid?: string; readonly kind?: string },
  more: KubeObject['metadata'] = {},
): KubeObject => ({
  metadata: {
    name,
    namespace: 'x',
    uid: name,
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            { apiVersion: 'v1', kind: owner.kind ?? 'ConfigMap', name: owner.name, uid: owner.uid ?? owner.name, blockOwnerDeletion: true },
          ],
        }),
    ...more,
  },
})
const put = (graph: OwnerGraph, object: KubeObject): string[] =>
  graph
    .put(refs.configmaps, object)
    .lookAt.map(({ uid }) => uid)
    .sort()

test('an owner that has not been seen is looked for; once seen, nothing is left to do', () => {
  const graph = new OwnerGraph()
  assert.deepEqual(put(graph, map('child', { name: 'boss' })), ['boss'])
  assert.deepEqual(put(graph, map('boss')), [])
  assert.deepEqual(put(graph, map('second', { name: 'boss' })), [])
})

test('when an owner goes its dependents are looked at', () => {
  const graph = new OwnerGraph()
  put(graph, map('boss'))
  put(graph, map('a', { name: 'boss' }))
  put(graph, map('b', { name: 'boss' }))
  assert.deepEqual(
    graph
      .remove('boss')
      .lookAt.map(({ uid }) => uid)
      .sort(),
    ['a', 'b'],
  )
})

test('a reference that names another kind, name or namespace is looked at, and told of across namespaces', () => {
  const graph = new OwnerGraph()
  put(graph, map('boss'))
  assert.deepEqual(put(graph, map('kind', { name: 'boss', kind: 'Secret' })), ['kind'])
  assert.deepEqual(put(graph, map('name', { name: 'other', uid: 'boss' })), ['name'])
  const far = graph.put(refs.configmaps, map('far', { name: 'boss' }, { namespace: 'y' }))
  assert.deepEqual(
    far.misplaced.map(({ dependent }) => dependent.uid),
    ['far'],
  )
  const late = new OwnerGraph()
  late.put(refs.configmaps, map('far', { name: 'boss' }, { namespace: 'y' }))
  assert.equal(late.put(refs.configmaps, map('boss')).misplaced.length, 1)
})

test('foreground deletion wakes the dependents, and the last of them wakes the owner', () => {
  const graph = new OwnerGraph()
  put(graph, map('boss'))
  put(graph, map('a', { name: 'boss' }))
  assert.deepEqual(put(graph, map('boss', undefined, { deletionTimestamp: 't', finalizers: ['foregroundDeletion'] })), ['a', 'boss'])
  assert.deepEqual(
    graph.remove('a').lookAt.map(({ uid }) => uid),
    ['boss'],
  )
})

test('what becomes of a dependent', () => {
  const view = (
    states: readonly OwnerState[],
    more: { readonly finalizers?: string[]; readonly hasDependents?: boolean; readonly dependentWaits?: boolean } = {},
  ) =>
    planDeletion({
      owners: states.map((state, i) => ({ reference: { apiVersion: 'v1', kind: 'ConfigMap', name: `o${i}`, uid: `o${i}` }, state })),
      finalizers: [],
      hasDependents: false,
      dependentWaits: false,
      ...more,
    })
  assert.deepEqual(view([]), { kind: 'keep' })
  assert.deepEqual(view(['there', 'there']), { kind: 'keep' })
  assert.deepEqual(view(['there', 'absent', 'waits-for-dependents']), { kind: 'drop-references', uids: ['o1', 'o2'] })
  assert.deepEqual(view(['absent']), { kind: 'delete', policy: 'Background', unblock: false })
  assert.deepEqual(view(['absent', 'unknown-kind']), { kind: 'keep' })
  assert.deepEqual(view(['impossible']), { kind: 'keep' })
  assert.deepEqual(view(['absent'], { finalizers: ['orphan'] }), { kind: 'delete', policy: 'Orphan', unblock: false })
  assert.deepEqual(view(['waits-for-dependents'], { hasDependents: true, dependentWaits: true }), {
    kind: 'delete',
    policy: 'Foreground',
    unblock: true,
  })
})
