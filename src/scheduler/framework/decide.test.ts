import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core } from '#api'
import { seededRandom } from '#base'
import type { Cluster } from '../cluster/cluster.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import { Decider, nodesToFind } from './decide.ts'
import { refusalMessage } from './message.ts'

const plugins = defaultPlugins(noStorage, () => undefined)
const HOST = 'kubernetes.io/hostname'
const selector = (app: string): { matchLabels: Record<string, string> } => ({ matchLabels: { app } })

const declaring = (node: core.Node, ...declaredFeatures: string[]): core.Node => ({ ...node, status: { ...node.status, declaredFeatures } })
const restartingAll = testPod('a', {
  spec: {
    initContainers: [{ name: 'i', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }] }],
  },
})

/** The chosen node's name, or the refusal's text. */
function outcome(cluster: Cluster, pod: PodInfo, seed = 1): string {
  const decision = new Decider(plugins, seededRandom(seed)).decide(cluster, pod, () => undefined)
  return decision.kind === 'placed' ? decision.node.name : refusalMessage(decision.diagnosis, '')
}

describe('a decision', () => {
  const taint = (key: string, effect: string, value?: string): core.Taint => ({ key, effect, ...(value === undefined ? {} : { value }) })
  /** Only on nodes with all of these names. */
  const named = (all: readonly (readonly string[])[]): { spec: Partial<core.PodSpec> } => ({
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: all.map((values) => ({ key: 'metadata.name', operator: 'In', values: [...values] })) }],
          },
        },
      },
    },
  })
  const cases: readonly { readonly name: string; readonly cluster: Cluster; readonly pod: PodInfo; readonly expected: string }[] = [
    { name: 'says so without nodes', cluster: testCluster([]), pod: testPod('a'), expected: 'no nodes available to schedule pods' },
    {
      name: 'counts and sorts reasons, several of one node included',
      cluster: testCluster([testNode('n1', { cpu: '1', memory: '1Gi' }), testNode('n2', { cpu: '1', memory: '64Gi' })]),
      pod: testPod('a', { cpu: '2', memory: '2Gi' }),
      expected: '0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu.',
    },
    {
      name: 'refuses a full node',
      cluster: testCluster([testNode('n1', { pods: '1' })], [[testPod('x'), 'n1']]),
      pod: testPod('a'),
      expected: '0/1 nodes are available: 1 Too many pods.',
    },
    {
      name: 'keeps away from taints that are not tolerated',
      cluster: testCluster([
        testNode('n1', { taints: [taint('k', 'NoSchedule', 'v')] }),
        testNode('n2', { taints: [taint('k', 'NoExecute')] }),
      ]),
      pod: testPod('a', { spec: { tolerations: [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoSchedule' }] } }),
      expected: 'n1',
    },
    {
      name: 'goes where the node says that it has what the pod needs of it',
      cluster: testCluster([testNode('n1'), declaring(testNode('n2'), 'RestartAllContainersOnContainerExits')]),
      pod: restartingAll,
      expected: 'n2',
    },
    {
      name: 'stays away from nodes that do not say so',
      cluster: testCluster([testNode('n1'), declaring(testNode('n2'), 'InPlacePodLevelResourcesVerticalScaling')]),
      pod: restartingAll,
      expected: "0/2 nodes are available: 2 node(s) didn't match Pod's required features.",
    },
    {
      name: 'prefers the emptier node',
      cluster: testCluster([testNode('n1'), testNode('n2')], [[testPod('x', { cpu: '3' }), 'n1']]),
      pod: testPod('a', { cpu: '500m' }),
      expected: 'n2',
    },
    {
      name: 'names a node affinity by metadata.name that no node has',
      cluster: testCluster([testNode('n1')]),
      pod: testPod('a', {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n9'] }] }],
              },
            },
          },
        },
      }),
      expected: "0/1 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    },
    {
      name: 'asks a node that is not named nothing else',
      cluster: testCluster([testNode('n1', { unschedulable: true, taints: [taint('k', 'NoSchedule')] })]),
      pod: testPod('a', named([['n9']])),
      expected: "0/1 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    },
    {
      name: 'sees that nobody can have two names',
      cluster: testCluster([testNode('n1')]),
      pod: testPod('a', named([['n1'], ['n2']])),
      expected: '0/1 nodes are available: pod affinity terms conflict. not found',
    },
    {
      name: 'compares numbers of 64 bits and no others',
      cluster: testCluster([testNode('n1', { labels: { size: '99999999999999999999' } })]),
      pod: testPod('a', {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'size', operator: 'Gt', values: ['5'] }] }],
              },
            },
          },
        },
      }),
      expected: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    },
    {
      name: 'counts no pods for a spread constraint that selects by nothing',
      cluster: testCluster(
        [testNode('n1', { labels: { zone: 'a' } }), testNode('n2', { labels: { zone: 'b' }, unschedulable: true })],
        [
          [testPod('x'), 'n1'],
          [testPod('y'), 'n1'],
        ],
      ),
      pod: testPod('a', {
        spec: {
          topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }],
        },
      }),
      expected: 'n1',
    },
    {
      name: 'keeps anti-affine pods apart, seen from the new pod',
      cluster: testCluster([testNode('n1'), testNode('n2')], [[testPod('x', { labels: { app: 'web' } }), 'n1']]),
      pod: testPod('a', {
        spec: {
          affinity: {
            podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOST, labelSelector: selector('web') }] },
          },
        },
      }),
      expected: 'n2',
    },
    {
      name: 'keeps anti-affine pods apart, seen from the placed pod',
      cluster: testCluster(
        [testNode('n1')],
        [
          [
            testPod('x', {
              spec: {
                affinity: {
                  podAntiAffinity: {
                    requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOST, labelSelector: selector('web') }],
                  },
                },
              },
            }),
            'n1',
          ],
        ],
      ),
      pod: testPod('a', { labels: { app: 'web' } }),
      expected: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    },
    {
      name: 'lets the first pod of an affine group in, where the label is',
      cluster: testCluster([testNode('n1'), testNode('n2', { labels: { zone: 'a' } })]),
      pod: testPod('a', {
        labels: { app: 'web' },
        spec: {
          affinity: {
            podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: selector('web') }] },
          },
        },
      }),
      expected: 'n2',
    },
    {
      name: 'spreads over domains',
      cluster: testCluster(
        [testNode('n1', { labels: { zone: 'a' } }), testNode('n2', { labels: { zone: 'b' } }), testNode('n3')],
        [[testPod('x', { labels: { app: 'web' } }), 'n1']],
      ),
      pod: testPod('a', {
        labels: { app: 'web' },
        spec: {
          topologySpreadConstraints: [
            { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector('web') },
          ],
        },
      }),
      expected: 'n2',
    },
    {
      name: 'counts init containers by their peak and sidecars with what comes after them',
      cluster: testCluster([testNode('n1', { cpu: '3' })]),
      pod: testPod('a', {
        cpu: '1',
        spec: {
          initContainers: [
            { name: 'side', restartPolicy: 'Always', resources: { requests: { cpu: '1' } } },
            { name: 'init', resources: { requests: { cpu: '2500m' } } },
          ],
        },
      }),
      expected: '0/1 nodes are available: 1 Insufficient cpu.',
    },
    {
      name: 'tells host ports apart by protocol and address',
      cluster: testCluster(
        [testNode('n1')],
        [[testPod('x', { spec: { containers: [{ name: 'm', ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.1' }] }] } }), 'n1']],
      ),
      pod: testPod('a', { spec: { containers: [{ name: 'm', ports: [{ containerPort: 80, hostPort: 80, hostIP: '10.0.0.2' }] }] } }),
      expected: 'n1',
    },
  ]
  for (const { name, cluster, pod, expected } of cases) it(name, () => assert.equal(outcome(cluster, pod), expected))

  it('is the same with the same seed', () => {
    const nodes = Array.from({ length: 50 }, (_, i) => testNode(`n${i}`))
    assert.equal(outcome(testCluster(nodes), testPod('a'), 7), outcome(testCluster(nodes), testPod('a'), 7))
  })

  it('looks at fewer nodes the more there are', () =>
    assert.deepEqual(
      [50, 100, 1000, 5000, 10_000].map((nodes) => nodesToFind(nodes)),
      [50, 100, 420, 500, 500],
    ))
})

describe('a refusal that is remembered', () => {
  it('is what somebody says who has seen nothing before', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed)
      const pick = (below: number): number => Math.floor(random.float() * below)
      const nodeOf = (i: number): core.Node =>
        testNode(`n${i}`, {
          cpu: String(1 + pick(3)),
          labels: { zone: `z${pick(2)}` },
          taints: pick(9) === 0 ? [{ key: 'k', effect: 'NoSchedule' }] : [],
        })
      const cluster = testCluster([nodeOf(0), nodeOf(1), nodeOf(2)])
      const decider = new Decider(plugins, seededRandom(seed))
      let placed = 0
      for (let step = 0; step < 80; step++) {
        const spec = pick(2) === 0 ? {} : { nodeSelector: { zone: `z${pick(2)}` } }
        const pod = testPod(`p${step}`, { cpu: String(1 + pick(3)), spec })
        const decision = decider.decide(cluster, pod)
        const fresh = new Decider(plugins, seededRandom(1)).decide(cluster, pod)
        assert.equal(decision.kind, fresh.kind, `seed ${seed}, step ${step}`)
        if (decision.kind === 'refused' && fresh.kind === 'refused')
          assert.equal(refusalMessage(decision.diagnosis, ''), refusalMessage(fresh.diagnosis, ''), `seed ${seed}, step ${step}`)
        if (decision.kind === 'placed') cluster.place(pod, decision.node.name)
        const change = pick(12)
        if (change === 0) cluster.setNode(nodeOf(pick(4)))
        else if (change === 1) cluster.removeNode(`n${pick(4)}`)
        else if (change === 2) cluster.take(`uid-default-p${pick(step + 1)}`)
        placed += decision.kind === 'placed' ? 1 : 0
      }
      assert.ok(placed > 0 && placed < 80)
    }
  })
})
