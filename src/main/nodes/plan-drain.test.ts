import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { core } from '#api'
import { boundVolumes, nameOf, planDrain } from './plan-drain.ts'

const NOTHING_ALLOWED = { force: false, deleteEmptydirData: false }
const pod = (name: string, more: core.Pod = {}): core.Pod => ({ ...more, metadata: { namespace: 'a', name, ...more.metadata } })
const ownedBy = (kind: string): core.Pod => ({
  metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'x', uid: '1', controller: true }] },
})
const scratch: core.Pod = { spec: { containers: [], volumes: [{ name: 'tmp', emptyDir: {} }] } }

it('says of each pod of a node whether it moves, ends or stays', () => {
  const pods = [
    pod('web', ownedBy('ReplicaSet')),
    pod('agent', ownedBy('DaemonSet')),
    pod('file', { metadata: { annotations: { 'kubernetes.io/config.mirror': '1' } } }),
    pod('done', { status: { phase: 'Succeeded' } }),
    pod('going', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    pod('alone'),
  ]
  const said = planDrain(pods, { force: true, deleteEmptydirData: false }).map((one) => `${nameOf(one.pod)} ${one.fate}: ${one.why}`)
  assert.deepEqual(said, [
    'a/agent stays: DaemonSet x wants one on every node',
    'a/alone ends: nobody makes it anew',
    'a/done ends: it is done',
    'a/file stays: a file of the node makes it',
    'a/going ends: it is about to',
    'a/web moves: ReplicaSet x makes another',
  ])
})

it('does not begin where something would be lost, unless that is allowed', () => {
  const blockersOf = (one: core.Pod, options = NOTHING_ALLOWED): readonly string[] =>
    planDrain([one], options).flatMap(({ blockers }) => blockers.map(({ allowedBy }) => allowedBy))
  assert.deepEqual(blockersOf(pod('alone', scratch)), ['force', 'deleteEmptydirData'])
  assert.deepEqual(blockersOf(pod('web', { ...ownedBy('ReplicaSet'), ...scratch })), ['deleteEmptydirData'])
  assert.deepEqual(blockersOf(pod('web', ownedBy('ReplicaSet'))), [])
  assert.deepEqual(blockersOf(pod('done', { ...scratch, status: { phase: 'Failed' } })), [])
  assert.deepEqual(blockersOf(pod('alone', scratch), { force: true, deleteEmptydirData: true }), [])
})

it('knows volumes that only this node can reach', () => {
  const node = (name: string): core.Node => ({ metadata: { name } })
  const volume = (name: string, ...nodes: string[]): core.PersistentVolume => ({
    metadata: { name },
    spec: {
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: nodes }] }] } },
    },
  })
  const matches = ({ nodeSelectorTerms }: core.NodeSelector, { metadata }: core.Node): boolean =>
    nodeSelectorTerms.some(({ matchFields }) => matchFields?.[0]?.values?.includes(metadata?.name ?? '') === true)
  const volumes = [volume('mine', 'one'), volume('shared', 'one', 'two'), volume('theirs', 'two'), volume('lost', 'three'), { spec: {} }]
  const names = boundVolumes(volumes, [node('one'), node('two')], 'one', matches).map(({ metadata }) => metadata?.name)
  assert.deepEqual(names, ['mine'])
})
