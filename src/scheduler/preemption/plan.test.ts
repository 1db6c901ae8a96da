import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { policy } from '#api'
import { seededRandom } from '#base'
import type { Cluster } from '../cluster/cluster.ts'
import { Decider } from '../framework/decide.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import { planPreemption } from './plan.ts'

const plugins = defaultPlugins(noStorage, () => undefined)
const node = (name: string): ReturnType<typeof testNode> => testNode(name, { cpu: '2' })
const running = (name: string, priority: number, cpu = '1', startTime = '2026-01-01T00:00:00Z'): PodInfo =>
  testPod(name, { priority, cpu, labels: { app: name }, status: { startTime } })

/** `node: victims` in the order of their importance, or the refusal. */
function outcome(cluster: Cluster, pod: PodInfo, budgets: readonly policy.PodDisruptionBudget[] = []): string {
  const decision = new Decider(plugins, seededRandom(1)).decide(cluster, pod, () => undefined)
  assert.equal(decision.kind, 'refused')
  if (decision.kind !== 'refused') return ''
  const before = cluster.nodes().map(({ name, pods }) => `${name} ${[...pods.keys()].sort().join()}`)
  const plan = planPreemption(cluster, pod, decision.diagnosis, plugins.filters, budgets, seededRandom(1))
  assert.deepEqual(
    cluster.nodes().map(({ name, pods }) => `${name} ${[...pods.keys()].sort().join()}`),
    before,
    'planning leaves the cluster as it was',
  )
  return plan.kind === 'none' ? plan.message : `${plan.node.name}: ${plan.victims.map(({ name }) => name).join(', ')}`
}

describe('preemption', () => {
  const wanted = (words: Parameters<typeof testPod>[1] = {}): PodInfo => testPod('new', { priority: 100, cpu: '1', ...words })
  const NONE = 'no new claims to deallocate, preemption: '

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
      `${NONE}0/1 nodes are available: 1 No preemption victims found for incoming pod.`,
    ))

  it('says when removing pods cannot help', () =>
    assert.equal(
      outcome(testCluster([node('n1')]), wanted({ cpu: '3' })),
      `${NONE}0/1 nodes are available: 1 Preemption is not helpful for scheduling.`,
    ))

  it('obeys preemptionPolicy Never', () =>
    assert.equal(
      outcome(testCluster([node('n1')], [[running('low', 1, '2'), 'n1']]), wanted({ spec: { preemptionPolicy: 'Never' } })),
      `${NONE}not eligible due to preemptionPolicy=Never.`,
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
})
