import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testCluster, testNode, testPod } from '../testing/build.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import type { ClusterChange } from '../queue/queue.ts'
import { hintsOf } from './hints.ts'

describe('a hint', () => {
  const cluster = testCluster([testNode('n1', { cpu: '2' })], [[testPod('there', { cpu: '1' }), 'n1']])
  const hint = hintsOf(cluster)
  const helps = (plugin: string, pod: PodInfo, change: ClusterChange): boolean => {
    const verdict = hint(plugin, change)
    return typeof verdict === 'boolean' ? verdict : verdict(pod)
  }
  const web = testPod('web', { labels: { app: 'web' } })
  const db = testPod('db', { labels: { app: 'db' } })
  const toWeb = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } }

  it('lets a pod wait while what it asks for is not free where another has left', () => {
    const left = { kind: 'pod-left', pod: testPod('gone'), node: 'n1' } as const
    assert.equal(helps('NodeResourcesFit', testPod('small', { cpu: '1' }), left), true)
    assert.equal(helps('NodeResourcesFit', testPod('large', { cpu: '1500m' }), left), false)
  })

  it('looks at who came or left, for affinity and spreading', () => {
    const fond = testPod('fond', { spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [toWeb] } } } })
    const shy = testPod('shy', { spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [toWeb] } } } })
    const came = (pod: typeof web) => ({ kind: 'pod-came', pod }) as const
    const left = (pod: typeof web) => ({ kind: 'pod-left', pod, node: 'n1' }) as const
    assert.deepEqual(
      [came(web), came(db), left(web)].map((change) => helps('InterPodAffinity', fond, change)),
      [true, false, false],
    )
    assert.deepEqual(
      [left(web), left(db), came(web)].map((change) => helps('InterPodAffinity', shy, change)),
      [true, false, false],
    )
    assert.equal(helps('InterPodAffinity', web, left(shy)), true)
  })

  it('lets whoever looks at new nodes look again when taints change, and spreading when a domain is gone', () => {
    const plugins = ['NodeResourcesFit', 'NodeAffinity', 'NodePorts', 'InterPodAffinity', 'PodTopologySpread', 'VolumeRestrictions']
    const node = {
      kind: 'node',
      name: 'n1',
      added: false,
      removed: false,
      labels: false,
      taints: false,
      resources: false,
      features: false,
    } as const
    const helpedBy = (change: { taints?: true; removed?: true; added?: true }) =>
      plugins.filter((plugin) => helps(plugin, testPod('large', { cpu: '1500m' }), { ...node, ...change }))
    assert.deepEqual(helpedBy({ taints: true }), plugins)
    assert.deepEqual(helpedBy({ removed: true }), ['PodTopologySpread'])
    assert.deepEqual(helpedBy({ added: true }), plugins.slice(1))
    const { features } = node
    assert.deepEqual(
      [features, true].map((one) => helps('NodeDeclaredFeatures', testPod('a'), { ...node, taints: true, features: one })),
      [false, true],
    )
  })
})
