import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core } from '#api'
import type { Cluster } from '../cluster/cluster.ts'
import { candidatesOf } from '../framework/candidates.ts'
import { type Profile, defaultProfile } from '../config/profile.ts'
import { scoreNodes } from '../framework/scores.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import { defaultPlugins } from './default-plugins.ts'

/** What one preference says of each node, weighted; undefined when it has nothing to say. */
function scoresOf(
  plugin: string,
  cluster: Cluster,
  pod: PodInfo,
  siblings?: Record<string, string>,
  profile?: Profile,
): readonly number[] | undefined {
  const { scores } = defaultPlugins(noStorage, () => (siblings === undefined ? undefined : { matchLabels: siblings }), profile)
  let found: readonly number[] | undefined
  scoreNodes(cluster, pod, candidatesOf(cluster.nodes()), scores, (name, values, weight) => {
    if (name === plugin) found = [...values].map((value) => value * weight)
  })
  return found
}

describe('scores', () => {
  it('give nothing for a preferred term that says nothing', () => {
    const preferring = (...terms: core.PreferredSchedulingTerm[]): PodInfo =>
      testPod('p', { spec: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: terms } } } })
    const cluster = testCluster([testNode('a', { labels: { disk: 'ssd' } }), testNode('b')])
    const ssd = { weight: 10, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } }
    assert.deepEqual(scoresOf('NodeAffinity', cluster, preferring(ssd, { weight: 90, preference: {} })), [200, 0])
    assert.equal(scoresOf('NodeAffinity', cluster, preferring({ weight: 90, preference: {} })), undefined)
  })

  it('count the containers of a pod that looks for a node, whatever the pod as a whole asks for', () => {
    const pod = testPod('p', { cpu: '2', memory: '1536Mi', spec: { resources: { requests: { cpu: '2', memory: '1Gi' } } } })
    assert.deepEqual(scoresOf('NodeResourcesFit', testCluster([testNode('a', { cpu: '8', memory: '2Gi' })]), pod), [50])
  })

  it('fill in for containers of a placed pod only what nobody has stated', () => {
    const placed = (resources: core.ResourceRequirements): PodInfo =>
      testPod('x', { spec: { containers: [{ name: 'a', resources: { requests: { cpu: '1' } } }, { name: 'b' }], resources } })
    const idle = (pod: PodInfo): readonly number[] | undefined =>
      scoresOf(
        'NodeResourcesFit',
        testCluster([testNode('a', { cpu: '2', memory: '1Gi' })], [[pod, 'a']]),
        testPod('p', { cpu: '0', memory: '0' }),
      )
    assert.deepEqual(idle(placed({ requests: { memory: '1Gi' } })), [25], '1 CPU and all of the memory')
    assert.deepEqual(idle(placed({})), [52], '1100m and twice 200Mi')
  })

  it('take the nodes without a label for one more domain of the usual spreading', () => {
    const zoned = (name: string, zone?: string): core.Node =>
      testNode(name, { labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } })
    const there = (name: string): PodInfo => testPod(name, { labels: { app: 'web' } })
    const cluster = testCluster(
      [zoned('a', 'z1'), zoned('b', 'z2'), zoned('c')],
      ['a', 'a', 'a', 'a', 'a', 'c'].map((node, at) => [there(`x${at}`), node]),
    )
    assert.deepEqual(scoresOf('PodTopologySpread', cluster, there('new'), { app: 'web' }), [36, 180, 200])
  })

  it('look at what placed pods prefer as soon as the pod has a preference of its own', () => {
    const preferring = (name: string, app: string): PodInfo => {
      const podAffinityTerm = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } }
      const podAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm }] }
      return testPod(name, { labels: { app: 'web' }, spec: { affinity: { podAffinity } } })
    }
    const profile = { ...defaultProfile(), podAffinity: { hardWeight: 1, ignorePreferredOfExisting: true } }
    const cluster = testCluster([testNode('a'), testNode('b')], [[preferring('x', 'web'), 'a']])
    const of = (pod: PodInfo): readonly number[] | undefined => scoresOf('InterPodAffinity', cluster, pod, undefined, profile)
    assert.equal(of(testPod('p', { labels: { app: 'web' } })), undefined)
    assert.deepEqual(of(preferring('p', 'other')), [200, 0])
  })
})
