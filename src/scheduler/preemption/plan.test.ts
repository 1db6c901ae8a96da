import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { policy } from '#api'
import { seededRandom } from '#base'
import type { Cluster } from '../cluster/cluster.ts'
import { Decider } from '../framework/decide.ts'
import type { FilterPlugin } from '../framework/plugin.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import { type PreemptionTerms, planPreemption } from './plan.ts'
import { VictimMemo } from './victim-memo.ts'

const plugins = defaultPlugins(noStorage, () => undefined)
const node = (name: string): ReturnType<typeof testNode> => testNode(name, { cpu: '2' })
const running = (name: string, priority: number, cpu = '1', startTime = '2026-01-01T00:00:00Z'): PodInfo =>
  testPod(name, { priority, cpu, labels: { app: name }, status: { startTime } })

/** `node: victims` in the order of their importance, or the refusal. */
function outcome(
  cluster: Cluster,
  pod: PodInfo,
  budgets: readonly policy.PodDisruptionBudget[] = [],
  more: Partial<PreemptionTerms> = {},
): string {
  const decision = new Decider(plugins, seededRandom(1)).decide(cluster, pod, () => undefined)
  assert.equal(decision.kind, 'refused')
  if (decision.kind !== 'refused') return ''
  const before = cluster.nodes().map(({ name, pods }) => `${name} ${[...pods.keys()].sort().join()}`)
  const plan = planPreemption(cluster, pod, decision.diagnosis, plugins.filters, { budgets, random: seededRandom(1), ...more })
  assert.deepEqual(
    cluster.nodes().map(({ name, pods }) => `${name} ${[...pods.keys()].sort().join()}`),
    before,
    'planning leaves the cluster as it was',
  )
  return plan.kind === 'none' ? plan.message : `${plan.node.name}: ${plan.victims.map(({ name }) => name).join(', ')}`
}

describe('preemption', () => {
  const wanted = (words: Parameters<typeof testPod>[1] = {}): PodInfo => testPod('new', { priority: 100, cpu: '1', ...words })

  it('takes the pod of the lowest priority', () =>
    assert.equal(
      outcome(
        testCluster(
          [node('n1')],
          [
            [running('low', 1), 'n1'],
            [running('mid', 50), 'n1'],
          ],
        ),
        wanted(),
      ),
      'n1: low',
    ))

  it('of those that have not started takes the ones that came first', () => {
    const waiting = (name: string, cpu: string): PodInfo => testPod(name, { priority: 1, cpu, labels: { app: name } })
    const full = testCluster(
      [testNode('n1', { cpu: '4' })],
      [
        [waiting('a', '1'), 'n1'],
        [waiting('b', '1'), 'n1'],
        [waiting('c', '2'), 'n1'],
      ],
    )
    assert.equal(outcome(full, wanted({ cpu: '2' })), 'n1: b, a')
  })

  it('leaves pods of the same priority alone', () =>
    assert.equal(
      outcome(
        testCluster(
          [node('n1')],
          [
            [running('a', 100), 'n1'],
            [running('b', 100), 'n1'],
          ],
        ),
        wanted(),
      ),
      `0/1 nodes are available: 1 No preemption victims found for incoming pod.`,
    ))

  it('says when removing pods cannot help', () =>
    assert.equal(
      outcome(testCluster([node('n1')]), wanted({ cpu: '3' })),
      `0/1 nodes are available: 1 Preemption is not helpful for scheduling.`,
    ))

  it('obeys preemptionPolicy Never', () =>
    assert.equal(
      outcome(testCluster([node('n1')], [[running('low', 1, '2'), 'n1']]), wanted({ spec: { preemptionPolicy: 'Never' } })),
      `not eligible due to preemptionPolicy=Never.`,
    ))

  it('chooses the node where the least important pods go', () =>
    assert.equal(
      outcome(
        testCluster(
          [node('n1'), node('n2')],
          [
            [running('mid', 50, '2'), 'n1'],
            [running('low', 1, '2'), 'n2'],
          ],
        ),
        wanted(),
      ),
      'n2: low',
    ))

  it('chooses fewer victims among equals', () =>
    assert.equal(
      outcome(
        testCluster(
          [node('n1'), node('n2')],
          [
            [running('a', 1), 'n1'],
            [running('b', 1), 'n1'],
            [running('c', 1, '2'), 'n2'],
          ],
        ),
        wanted({ cpu: '2' }),
      ),
      'n2: c',
    ))

  it('takes no budget to speak of a pod without labels', () => {
    const budget: policy.PodDisruptionBudget = {
      metadata: { name: 'b', namespace: 'default' },
      spec: { selector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] } },
      status: { currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptionsAllowed: 0 },
    }
    const bare = testPod('bare', { priority: 1, cpu: '1', status: { startTime: '2026-01-01T00:00:00Z' } })
    const cluster = testCluster(
      [node('n1')],
      [
        [bare, 'n1'],
        [running('labelled', 2), 'n1'],
      ],
    )
    assert.equal(outcome(cluster, wanted(), [budget]), 'n1: bare')
  })

  it('tells the first of several rules that stay in the way', () => {
    const pod = wanted({
      priority: 100,
      spec: {
        initContainers: [
          { name: 'i', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }] },
        ],
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'big' } } },
        ],
      },
      labels: { app: 'big' },
    })
    const cluster = testCluster(
      [testNode('n1', { cpu: '2', labels: { zone: 'a' } }), testNode('n2', { cpu: '2', labels: { zone: 'b' }, unschedulable: true })],
      [
        [running('big', 200), 'n1'],
        [running('low', 1), 'n1'],
      ],
    )
    assert.equal(
      outcome(cluster, pod),
      `0/2 nodes are available: 1 Preemption is not helpful for scheduling, 1 node(s) didn't match pod topology spread constraints.`,
    )
  })

  it('keeps within disruption budgets where it can', () => {
    const budget: policy.PodDisruptionBudget = {
      metadata: { name: 'b', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'guarded' } } },
      status: { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
    }
    const cluster = testCluster(
      [node('n1'), node('n2')],
      [
        [running('guarded', 1, '2'), 'n1'],
        [running('mid', 50, '2'), 'n2'],
      ],
    )
    assert.equal(outcome(cluster, wanted(), [budget]), 'n2: mid')
  })

  it('counts what was promised to others of the same priority', () => {
    const cluster = testCluster(
      [node('n1'), node('n2')],
      [
        [running('low', 1, '2'), 'n1'],
        [running('mid', 50, '2'), 'n2'],
      ],
    )
    const other = testPod('other', { priority: 100, cpu: '2' })
    assert.equal(outcome(cluster, wanted({ cpu: '2' }), [], { promised: ({ name }) => (name === 'n1' ? [other] : []) }), 'n2: mid')
    assert.equal(outcome(cluster, wanted({ cpu: '2' }), [], { promised: ({ name }) => (name === 'n2' ? [other] : []) }), 'n1: low')
  })

  it('finds the same with what it remembers, and by sums, as by trying every rule on the cluster', () => {
    const step = fc.record({
      pod: fc.nat(12),
      node: fc.nat(3),
      cpu: fc.constantFrom('500m', '1', '2'),
      priority: fc.nat(3),
      leaves: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const cluster = testCluster(['n0', 'n1', 'n2', 'n3'].map(node))
        const memo = new VictimMemo()
        // A rule that looks at pods one by one: sums are not enough any more.
        const inDetail: FilterPlugin = { name: 'Detail', prepare: () => ({ kind: 'check', check: () => undefined }) }
        for (const { pod, node: at, cpu, priority, leaves } of steps) {
          if (leaves) cluster.take(running(`p${pod}`, 0).uid)
          else cluster.place(running(`p${pod}`, priority, cpu, `2026-01-01T00:00:${10 + pod}Z`), `n${at}`)
          const asked = testPod('new', { priority: 2, cpu: '2' })
          const decision = new Decider(plugins, seededRandom(1)).decide(cluster, asked)
          if (decision.kind === 'placed') continue
          const plan = (filters: readonly FilterPlugin[], more: object): unknown => {
            const found = planPreemption(cluster, asked, decision.diagnosis, filters, { budgets: [], random: seededRandom(1), ...more })
            return found.kind === 'none' ? found.message : [found.node.name, found.victims.map(({ uid }) => uid)]
          }
          const expected = plan([...plugins.filters, inDetail], {})
          assert.deepEqual(plan(plugins.filters, {}), expected)
          assert.deepEqual(plan(plugins.filters, { memo }), expected)
        }
      }),
      { numRuns: 100 },
    )
  })
})
