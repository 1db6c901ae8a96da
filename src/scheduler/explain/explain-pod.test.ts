import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import { explainPod } from './explain-pod.ts'

const plugins = defaultPlugins(noStorage, () => undefined)
const TAINT = { key: 'k', value: 'v', effect: 'NoSchedule' }

describe('an explanation', () => {
  it('of a placed pod has the scores of every node, as if it were not there', () => {
    const pod = testPod('p', { cpu: '1', memory: '1Gi' })
    const cluster = testCluster([testNode('a'), testNode('b', { taints: [TAINT] }), testNode('c')], [[pod, 'a']])
    const { placedOn, nodes, change } = explainPod(cluster, pod, plugins)
    assert.equal(placedOn, 'a')
    assert.equal(change, undefined)
    const [a, b, c] = nodes
    assert.equal(a?.total, c?.total)
    assert.equal(a?.scores['NodeResourcesFit'], 81)
    assert.deepEqual(b?.refusals, [{ plugin: 'TaintToleration', reasons: ['node(s) had untolerated taint(s)'] }])
    assert.equal(cluster.placedOn(pod.uid), 'a')
  })

  it('of a pod without a place has everything against each node, and the least change', () => {
    const nodes = [
      testNode('full', { cpu: '2', memory: '1Gi', unschedulable: true }),
      testNode('small', { cpu: '3500m', labels: { disk: 'ssd' } }),
      testNode('tainted', { cpu: '1', taints: [TAINT], labels: { disk: 'ssd' } }),
    ]
    const pod = testPod('p', { cpu: '4', memory: '2Gi', spec: { nodeSelector: { disk: 'ssd' } } })
    const explained = explainPod(testCluster(nodes), pod, plugins)
    assert.deepEqual(
      explained.nodes[0]?.refusals.map(({ plugin }) => plugin),
      ['NodeUnschedulable', 'NodeAffinity', 'NodeResourcesFit'],
    )
    assert.deepEqual(explained.nodes[0]?.refusals[2]?.reasons, ['Insufficient cpu', 'Insufficient memory'])
    assert.deepEqual(explained.change, { node: 'small', steps: ['ask for 3500m cpu instead of 4, or free 500m'] })
  })

  it('proposes what a reader can do for each rule, and nothing where there is no simple answer', () => {
    const steps = (node: ReturnType<typeof testNode>, pod = testPod('p')): readonly string[] | undefined =>
      explainPod(testCluster([node]), pod, plugins).change?.steps
    assert.deepEqual(steps(testNode('n', { unschedulable: true, taints: [TAINT] })), [
      'kubectl uncordon n',
      'tolerate the taint k=v:NoSchedule',
    ])
    const choosy = testPod('p', { spec: { nodeSelector: { zone: 'z' } } })
    assert.deepEqual(steps(testNode('n'), choosy), ['kubectl label node n zone=z'])
    const lonely = testPod('p', {
      spec: {
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } } }],
          },
        },
      },
    })
    assert.equal(steps(testNode('n'), lonely), undefined)
  })
})
