import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testCluster, testNode, testPod } from '../testing/build.ts'
import { hintsOf } from './hints.ts'

describe('a hint', () => {
  const cluster = testCluster([testNode('n1', { cpu: '2' })], [[testPod('there', { cpu: '1' }), 'n1']])
  const helps = hintsOf(cluster)
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
})
