import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core } from '#api'
import type { FilterPlugin } from '../framework/plugin.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import { diskConflicts } from './disks.ts'
import { volumeLimits } from './limits.ts'
import type { StorageView } from './storage.ts'
import { volumeZone } from './zone.ts'

const using = (...claims: string[]): Partial<core.PodSpec> => ({
  volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
})
/** Claims `x` are bound to volumes `pv-x` of the driver `d`. */
const bound = (labels: Record<string, string> = {}): Partial<StorageView> => ({
  claim: (_, name) => ({ metadata: { name }, spec: { volumeName: `pv-${name}`, storageClassName: 'sc' } }),
  volume: (name) => (name === '' ? undefined : { metadata: { name, labels }, spec: { csi: { driver: 'd', volumeHandle: name } } }),
})

function refusals(
  plugin: FilterPlugin,
  cluster: ReturnType<typeof testCluster>,
  spec: Partial<core.PodSpec>,
): readonly (string | undefined)[] {
  const prepared = plugin.prepare(cluster, testPod('new', { spec }))
  return cluster.nodes().map((node) => (prepared?.kind === 'check' ? prepared.check(node)?.reasons[0] : undefined))
}

describe('volumes', () => {
  it('keep pods in their zones, old labels included', () => {
    const nodes = [
      testNode('a', { labels: { 'topology.kubernetes.io/zone': 'z1' } }),
      testNode('b', { labels: { 'topology.kubernetes.io/zone': 'z3' } }),
      testNode('nowhere'),
    ]
    const view = { ...noStorage, ...bound({ 'failure-domain.beta.kubernetes.io/zone': 'z1__z2' }) }
    assert.deepEqual(refusals(volumeZone(view), testCluster(nodes), using('c')), [
      undefined,
      'node(s) had no available volume zone',
      undefined,
    ])
    assert.equal(volumeZone(view).prepare(testCluster(nodes), testPod('none')), undefined)
  })

  it('that are not there have no zone, and why is said', () => {
    const why = (claim: core.PersistentVolumeClaim['spec'], volumeBindingMode = 'Immediate'): string | undefined => {
      const view: StorageView = {
        ...noStorage,
        claim: () => (claim === undefined ? undefined : { metadata: { name: 'c' }, spec: claim }),
        storageClass: (name) => (name === 'sc' ? { metadata: { name }, provisioner: 'p', volumeBindingMode } : undefined),
      }
      const prepared = volumeZone(view).prepare(testCluster([]), testPod('new', { spec: using('c') }))
      return prepared?.kind === 'refused' ? prepared.message : undefined
    }
    assert.equal(why(undefined), 'persistentvolumeclaim "c" not found')
    assert.equal(why({}), 'PersistentVolumeClaim had no pv name and storageClass name')
    assert.equal(why({ storageClassName: 'other' }), 'storageclass.storage.k8s.io "other" not found')
    assert.equal(why({ storageClassName: 'sc' }), 'PersistentVolume had no name')
    assert.equal(why({ storageClassName: 'sc' }, 'WaitForFirstConsumer'), undefined)
    assert.equal(why({ volumeName: 'gone' }), 'persistentvolume "gone" not found')
  })

  it('are no more on a node than its driver takes, each counted once', () => {
    const cluster = testCluster([testNode('full'), testNode('free')], [[testPod('there', { spec: using('one', 'two') }), 'full']])
    const view: StorageView = { ...noStorage, ...bound(), driversOf: () => [{ name: 'd', nodeID: 'n', allocatable: { count: 2 } }] }
    const exceeded = 'node(s) exceed max volume count'
    assert.deepEqual(refusals(volumeLimits(view), cluster, using('three')), [exceeded, undefined])
    assert.deepEqual(refusals(volumeLimits(view), cluster, using('two')), [undefined, undefined])
    const stillThere: StorageView = {
      ...view,
      attachmentsOn: () => [{ spec: { attacher: 'd', nodeName: 'free', source: { persistentVolumeName: 'pv-old' } } }],
    }
    assert.deepEqual(refusals(volumeLimits(stillThere), cluster, using('x', 'y')), [exceeded, exceeded])
    const missing: StorageView = { ...view, driversOf: () => [], mustBeInstalled: () => true }
    assert.equal(refusals(volumeLimits(missing), cluster, using('x'))[0], 'd CSI driver is not installed on the node')
  })

  it('that only one pod may write to are not named by two pods of a node', () => {
    const disk = (readOnly: boolean): Partial<core.PodSpec> => ({
      volumes: [{ name: 'v', gcePersistentDisk: { pdName: 'disk', readOnly } }],
    })
    const cluster = testCluster([testNode('a')], [[testPod('there', { spec: disk(true) }), 'a']])
    assert.deepEqual(refusals(diskConflicts, cluster, disk(false)), ['node(s) had no available disk'])
    assert.deepEqual(refusals(diskConflicts, cluster, disk(true)), [undefined])
  })
})
