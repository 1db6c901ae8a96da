import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core, storage } from '#api'
import { type Diagnosis, Decider } from '../framework/decide.ts'
import { refusalMessage } from '../framework/message.ts'
import { seededRandom } from '#base'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import type { StorageView } from './storage.ts'

const LATE: storage.StorageClass = {
  metadata: { name: 'late' },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
}
const BOUND = { 'pv.kubernetes.io/bind-completed': 'yes' }

const claim = (name: string, size: string, words: Partial<core.PersistentVolumeClaim['spec']> = {}): core.PersistentVolumeClaim => ({
  metadata: { name, namespace: 'default', uid: `uid-${name}`, ...(words?.volumeName === undefined ? {} : { annotations: BOUND }) },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'late', resources: { requests: { storage: size } }, ...words },
})
const volume = (name: string, size: string, spec: Partial<core.PersistentVolumeSpec> = {}): core.PersistentVolume => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'late', capacity: { storage: size }, ...spec },
  status: { phase: 'Available' },
})

function viewOf(claims: readonly core.PersistentVolumeClaim[], volumes: readonly core.PersistentVolume[]): StorageView {
  return {
    ...noStorage,
    claim: (_, name) => claims.find(({ metadata }) => metadata?.name === name),
    volume: (name) => volumes.find(({ metadata }) => metadata?.name === name),
    volumesOfClass: (name) => volumes.filter(({ spec }) => spec?.storageClassName === name),
    storageClass: (name) => (name === 'late' ? LATE : undefined),
  }
}

/** The chosen node's name, or the refusal's text. */
function outcome(view: StorageView, volumes: readonly core.Volume[], nodes = [testNode('n1')]): string {
  const pod = testPod('new', { spec: { volumes: [...volumes] } })
  const decision = new Decider(
    defaultPlugins(view, () => undefined),
    seededRandom(1),
  ).decide(testCluster(nodes), pod)
  return decision.kind === 'placed' ? decision.node.name : refusalMessage(decision.diagnosis satisfies Diagnosis, '')
}

const using = (...names: string[]): readonly core.Volume[] =>
  names.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }))
const NONE_FREE = "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."

describe('volume binding', () => {
  it('waits for the claim of a template, and says so', () => {
    const made: readonly core.Volume[] = [{ name: 'data', ephemeral: {} }]
    assert.equal(
      outcome(viewOf([], []), made),
      '0/1 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "new-data". not found',
    )
    assert.equal(
      outcome(viewOf([claim('new-data', '1Gi')], []), made),
      '0/1 nodes are available: PVC default/new-data was not created for pod default/new (pod is not owner). not found',
    )
  })

  it('lets the smallest claims choose first', () => {
    const labelled = { ...volume('two', '2Gi'), metadata: { name: 'two', labels: { tier: 'gold' } } }
    const claims = [claim('big', '2Gi'), claim('small', '1Gi', { selector: { matchLabels: { tier: 'gold' } } })]
    // In the order of the pod, the one that could have either would take what the other needs.
    assert.equal(outcome(viewOf(claims, [labelled, volume('three', '3Gi')]), using('big', 'small')), 'n1')
  })

  it('takes a volume that was reserved by name, and no other then', () => {
    const claimRef = { namespace: 'default', name: 'c' }
    assert.equal(outcome(viewOf([claim('c', '1Gi')], [volume('mine', '1Gi', { claimRef })]), using('c')), 'n1')
    const another = volume('theirs', '1Gi', { claimRef: { ...claimRef, uid: 'somebody else' } })
    assert.equal(outcome(viewOf([claim('c', '1Gi')], [another]), using('c')), NONE_FREE)
    const elsewhere = volume('mine', '1Gi', {
      claimRef,
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }] } },
    })
    assert.equal(outcome(viewOf([claim('c', '1Gi')], [elsewhere, volume('free', '1Gi')]), using('c')), NONE_FREE)
    assert.equal(outcome(viewOf([claim('c', '1Gi')], [volume('small', '1Mi', { claimRef })]), using('c')), NONE_FREE)
  })

  it('takes no volume of other attributes, nor one that is not available', () => {
    const fast = volume('fast', '1Gi', { volumeAttributesClassName: 'fast' })
    assert.equal(outcome(viewOf([claim('c', '1Gi')], [fast]), using('c')), NONE_FREE)
    assert.equal(outcome(viewOf([claim('c', '1Gi', { volumeAttributesClassName: 'fast' })], [fast]), using('c')), 'n1')
    const { status: _, ...unseen } = volume('unseen', '1Gi')
    assert.equal(outcome(viewOf([claim('c', '1Gi')], [unseen]), using('c')), NONE_FREE)
  })

  it('says all that stands in the way', () => {
    const away = volume('away', '1Gi', {
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }] } },
    })
    assert.equal(
      outcome(viewOf([claim('there', '1Gi', { volumeName: 'away' }), claim('open', '1Gi')], [away]), using('there', 'open')),
      "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind, 1 node(s) didn't match PersistentVolume's node affinity.",
    )
    assert.equal(
      outcome(viewOf([claim('there', '1Gi', { volumeName: 'gone' })], []), using('there')),
      '0/1 nodes are available: persistentvolume "gone" not found. not found',
    )
  })

  it('looks at the labels of nodes alone', () => {
    const named = volume('named', '1Gi', {
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['other'] }] }] } },
    })
    assert.equal(outcome(viewOf([claim('c', '1Gi', { volumeName: 'named' })], [named]), using('c')), 'n1')
  })
})
