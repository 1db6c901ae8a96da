import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusalMessage } from '../framework/message.ts'
import { seededRandom } from '#base'
import { Decider, prepareFilters } from '../framework/decide.ts'
import { afterwords, generalMessage } from '../preemption/afterwords.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import { choosePlugins } from './plugin-sets.ts'
import { defaultProfile } from './profile.ts'

describe('the plugins of a profile', () => {
  const scores = (said: Parameters<typeof choosePlugins>[0]): string =>
    choosePlugins(said)
      .scores.map(({ name, weight }) => `${name} ${weight}`)
      .slice(0, 3)
      .join(', ')

  it('have weight 1 where they are named without one, at a point or in general', () => {
    assert.equal(scores({}), 'TaintToleration 3, NodeAffinity 2, NodeResourcesFit 1')
    const named = { enabled: [{ name: 'NodeAffinity' }], disabled: [] }
    assert.equal(scores({ score: named }), 'NodeAffinity 1, TaintToleration 3, NodeResourcesFit 1')
    assert.equal(scores({ multiPoint: named }), 'TaintToleration 3, NodeAffinity 1, NodeResourcesFit 1')
  })

  it('come first where they are named, and last where they are off in general', () => {
    const filters = (said: Parameters<typeof choosePlugins>[0]): readonly string[] => choosePlugins(said).filters
    const named = { enabled: [{ name: 'NodePorts' }], disabled: [] }
    assert.deepEqual(filters({ filter: named }).slice(0, 2), ['NodePorts', 'NodeUnschedulable'])
    assert.equal(filters({ filter: named, multiPoint: { enabled: [], disabled: ['NodePorts'] } }).at(-1), 'NodePorts')
    assert.deepEqual(filters({ filter: { ...named, disabled: ['*'] } }), ['NodePorts'])
    const plugins = choosePlugins({ filter: { enabled: [{ name: 'NodeResourcesFit' }], disabled: [] } })
    const { filters: rules } = defaultPlugins(noStorage, () => undefined, { ...defaultProfile(), plugins })
    const checked = prepareFilters(testCluster([testNode('n1', { unschedulable: true })]), testPod('p', { cpu: '900' }), rules)
    const [node] = testCluster([testNode('n1', { unschedulable: true })]).nodes()
    assert.equal(node === undefined || !('check' in checked) ? '' : checked.check(node)?.plugin, 'NodeResourcesFit')
  })

  it('still see what is wrong with a pod when they are not asked about nodes', () => {
    const plugins = choosePlugins({ filter: { enabled: [], disabled: ['*'] } })
    const decide = (spec: Parameters<typeof testPod>[1]): string => {
      const { filters, scores: preferences } = defaultPlugins(noStorage, () => undefined, { ...defaultProfile(), plugins })
      const cluster = testCluster([testNode('n1', { unschedulable: true })])
      const decision = new Decider({ filters, scores: preferences }, seededRandom(1)).decide(cluster, testPod('p', spec))
      return decision.kind === 'placed' ? decision.node.name : refusalMessage(decision.diagnosis, '')
    }
    assert.equal(decide({ cpu: '900' }), 'n1')
    assert.equal(
      decide({ spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } }),
      '0/1 nodes are available: persistentvolumeclaim "c" not found. not found',
    )
  })

  it('speak in their order when no node would do', () => {
    const pod = testPod('p')
    const claims = 'no new claims to deallocate'
    assert.equal(afterwords(pod, choosePlugins({}).postFilters, 'why'), `${claims}, preemption: why`)
    assert.equal(afterwords(pod, ['DefaultPreemption', 'DynamicResources'], 'why'), `preemption: why, ${claims}`)
    assert.equal(afterwords(pod, ['DynamicResources'], 'why'), claims)
    assert.equal(afterwords(pod, [], 'why'), '')
    assert.equal(afterwords(pod, choosePlugins({}).postFilters, 'why', true), 'deallocation of ResourceClaim completed, preemption: why')
    const diagnosis = {
      nodes: 2,
      refusals: [],
      general: { plugin: 'NodeAffinity', message: 'pod affinity terms conflict', tail: 'not found' },
    }
    const refused = '0/2 nodes are available: pod affinity terms conflict.'
    assert.equal(generalMessage(diagnosis, choosePlugins({}).postFilters), `${refused} not found`)
    assert.equal(
      generalMessage(diagnosis, ['DefaultPreemption']),
      `${refused} preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.`,
    )
    assert.equal(generalMessage(diagnosis, []), refused)
  })
})
