import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '#base'
import type { core } from '#api'
import { propertyRuns } from '#testing/basics'
import { Decider, prepareFilters } from '../framework/decide.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import { Cluster } from './cluster.ts'

describe('the cluster', () => {
  it('answers after any changes as one that was made anew', () => {
    const selector = { matchLabels: { app: 'a' } }
    const spreads = (more: object): core.TopologySpreadConstraint => ({
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: selector,
      ...more,
    })
    const newcomers = [
      testPod('plain', { labels: { app: 'a' }, spec: { topologySpreadConstraints: [spreads({})] } }),
      testPod('choosy', { spec: { nodeSelector: { zone: 'z1' }, topologySpreadConstraints: [spreads({ minDomains: 2 })] } }),
      testPod('wary', { spec: { topologySpreadConstraints: [spreads({ nodeTaintsPolicy: 'Honor' })] } }),
      testPod('fond', {
        spec: {
          affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: selector }] } },
        },
      }),
    ]
    const plugins = defaultPlugins(noStorage, () => undefined)
    const { filters } = plugins
    /** By numbers alone, and node by node. */
    const choices = (cluster: Cluster, pod: PodInfo): readonly unknown[] => {
      const decision = new Decider(plugins, seededRandom(1)).decide(cluster, pod)
      const stepwise = new Decider(plugins, seededRandom(1))
      const found = stepwise.find(cluster, pod)
      const best = found.kind === 'feasible' ? stepwise.best(cluster, pod, found.nodes) : undefined
      return [decision.kind === 'placed' ? decision.node : undefined, best]
    }
    const answers = (cluster: Cluster): unknown =>
      newcomers.map((pod) => {
        const prepared = prepareFilters(cluster, pod, filters)
        const names = cluster.nodes().map(({ name }) => name)
        return names
          .sort()
          .map((name) => ('check' in prepared ? (prepared.check(cluster.node(name) as never)?.reasons ?? 'fits') : prepared.message))
      })
    const step = fc.record({
      kind: fc.constantFrom('node', 'gone', 'place', 'take'),
      node: fc.nat(4),
      zone: fc.option(fc.constantFrom('z1', 'z2', 'z3'), { nil: undefined }),
      tainted: fc.boolean(),
      pod: fc.nat(6),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const cluster = new Cluster()
        const nodes = new Map<string, core.Node>()
        const placed = new Map<string, readonly [PodInfo, string]>()
        for (const { kind, node, zone, tainted, pod: at } of steps) {
          const name = `n${node}`
          const pod = testPod(`p${at}`, { labels: at % 2 === 0 ? { app: 'a' } : {} })
          if (kind === 'node') {
            const taints = tainted ? [{ key: 't', effect: 'NoSchedule' }] : []
            const made = testNode(name, { labels: zone === undefined ? {} : { zone }, taints })
            nodes.set(name, made)
            cluster.setNode(made)
          } else if (kind === 'gone') {
            nodes.delete(name)
            cluster.removeNode(name)
          } else if (kind === 'place') {
            placed.set(pod.uid, [pod, name])
            cluster.place(pod, name)
          } else {
            placed.delete(pod.uid)
            cluster.take(pod.uid)
          }
          assert.deepEqual(answers(cluster), answers(testCluster([...nodes.values()], [...placed.values()])))
          for (const newcomer of newcomers) {
            const [chosen, best] = choices(cluster, newcomer)
            assert.equal(chosen, best)
          }
        }
      }),
      propertyRuns(60),
    )
  })

  it('never has a node over-committed, whatever comes and goes', () => {
    const plugins = defaultPlugins(noStorage, () => undefined)
    const step = fc.record({ cpu: fc.integer({ min: 0, max: 3000 }), leave: fc.option(fc.nat(30), { nil: undefined }), node: fc.nat(4) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) => {
        const cluster = testCluster(Array.from({ length: 5 }, (_, i) => testNode(`n${i}`, { cpu: '4', pods: '8' })))
        const decider = new Decider(plugins, seededRandom(seed))
        for (const [i, { cpu, leave, node }] of steps.entries()) {
          if (leave !== undefined) cluster.take(testPod(`p${leave}`).uid)
          if (leave === 7) cluster.removeNode(`n${node}`)
          if (leave === 8) cluster.setNode(testNode(`n${node}`, { cpu: '4', pods: '8' }))
          const pod = testPod(`p${i}`, { cpu: `${cpu}m` })
          const decision = decider.decide(cluster, pod, () => undefined)
          if (decision.kind === 'placed') cluster.place(pod, decision.node.name)
          for (const { slot, pods } of cluster.nodes()) {
            assert.ok(cluster.requested('cpu').get(slot) <= 4000)
            assert.ok(pods.size <= 8)
            assert.equal(
              cluster.requested('cpu').get(slot),
              [...pods.values()].reduce((sum, one) => sum + (one.requests.get('cpu') ?? 0), 0),
            )
          }
        }
      }),
      propertyRuns(60),
    )
  })

  it('keeps counters right while pods and nodes come, move and go', () => {
    const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'web' } } }
    const [matcher] = testPod('m', {
      spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
    }).affinity
    assert.ok(matcher)
    const move = fc.record({
      pod: fc.nat(6),
      node: fc.nat(3),
      zone: fc.constantFrom('a', 'b'),
      what: fc.constantFrom('place', 'take', 'relabel', 'remove'),
    })
    fc.assert(
      fc.property(fc.array(move, { maxLength: 50 }), (moves) => {
        const cluster = testCluster([testNode('n0', { labels: { zone: 'a' } }), testNode('n1', { labels: { zone: 'b' } })])
        cluster.counter(matcher.pods).byDomain('zone')
        for (const { pod, node, zone, what } of moves) {
          const info = testPod(`p${pod}`, { labels: { app: pod % 2 === 0 ? 'web' : 'db' } })
          if (what === 'place') cluster.place(info, `n${node}`)
          else if (what === 'take') cluster.take(info.uid)
          else if (what === 'relabel') cluster.setNode(testNode(`n${node}`, { labels: { zone } }))
          else cluster.removeNode(`n${node}`)
          const counted = cluster.counter(matcher.pods).byDomain('zone')
          for (const name of ['a', 'b']) {
            const expected = cluster
              .nodes()
              .filter(({ labels }) => labels['zone'] === name)
              .flatMap(({ pods }) => [...pods.values()])
              .filter(({ labels }) => labels['app'] === 'web').length
            assert.equal(counted.get(cluster.topology('zone').idOf(name)), expected)
          }
        }
      }),
      propertyRuns(100),
    )
  })

  it('counts pods of a node that is not known yet once it is', () => {
    const cluster = new Cluster()
    cluster.place(testPod('a', { cpu: '1' }), 'late')
    cluster.setNode(testNode('late'))
    assert.equal(cluster.requested('cpu').get(cluster.node('late')?.slot ?? -1), 1000)
  })
})
