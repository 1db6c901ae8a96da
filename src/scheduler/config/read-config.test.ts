import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UserError, seededRandom } from '#base'
import { Decider } from '../framework/decide.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { refusalMessage } from '../framework/message.ts'
import { noStorage, testCluster, testNode, testPod } from '../testing/build.ts'
import type { Profile } from './profile.ts'
import { readSchedulerConfig } from './read-config.ts'

const HEAD = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'
const profileOf = (text: string): Profile => readSchedulerConfig(HEAD + text, 'f').config.profiles[0] as Profile
const refused = (text: string, why: RegExp): void =>
  assert.throws(
    () => readSchedulerConfig(text, 'f'),
    (error: unknown) => error instanceof UserError && why.test(error.message),
  )

describe('a scheduler configuration', () => {
  it('has profiles under their names, each with its own plugins', () => {
    const { config, leaderElect } = readSchedulerConfig(
      `${HEAD}leaderElection: {leaderElect: false}\npercentageOfNodesToScore: 20\npodInitialBackoffSeconds: 2\nprofiles:
- schedulerName: default-scheduler
- schedulerName: packer
  percentageOfNodesToScore: 100
  plugins:
    score:
      disabled: [{name: '*'}]
      enabled: [{name: NodeResourcesFit, weight: 7}]
    postFilter: {disabled: [{name: DefaultPreemption}]}
`,
      'f',
    )
    const [usual, packer] = config.profiles
    assert.deepEqual([usual?.percentageOfNodesToScore, packer?.percentageOfNodesToScore], [20, 100])
    assert.deepEqual([config.firstBackOffMs, config.longestBackOffMs, leaderElect], [2000, 10_000, false])
    assert.deepEqual(packer?.plugins.postFilters, ['DynamicResources'])
    const { scores } = defaultPlugins(noStorage, () => undefined, packer)
    assert.deepEqual(
      scores.map(({ name, weight }) => `${name} ${weight}`),
      ['NodeResourcesFit 7'],
    )
  })

  it('says how the server is reached and who of several schedulers works', () => {
    const file = readSchedulerConfig(
      `${HEAD}clientConnection: {kubeconfig: k, qps: 2.5, burst: 10, contentType: application/json}
leaderElection: {leaderElect: true, leaseDuration: 30s, renewDeadline: 20s, retryPeriod: 3s, resourceLock: leases, resourceName: mine, resourceNamespace: here}\n`,
      'f',
    )
    assert.deepEqual([file.kubeconfig, file.leaderElect, file.limit], ['k', true, { perSecond: 2.5, burst: 10 }])
    assert.deepEqual(file.lease, { namespace: 'here', name: 'mine', leaseDurationMs: 30_000, renewDeadlineMs: 20_000, retryMs: 3000 })
    const usual = readSchedulerConfig(`${HEAD}clientConnection: {qps: -1}\n`, 'f')
    assert.deepEqual([usual.limit, usual.lease], [undefined, {}])
  })

  it('says how long volumes and devices are waited for', () => {
    const { volumes, devices } = profileOf(
      'profiles: [{pluginConfig: [{name: VolumeBinding, args: {bindTimeoutSeconds: 7}}, {name: DynamicResources, args: {filterTimeout: 0s, bindingTimeout: 1m}}]}]\n',
    )
    assert.deepEqual([volumes, devices], [{ bindTimeoutMs: 7000 }, { filterTimeoutMs: 0, bindTimeoutMs: 60_000 }])
  })

  it('is refused by name where it says what cannot be done', () => {
    refused('kind: Pod\napiVersion: v1\n', /is a Pod of v1/)
    refused(`${HEAD}extenders: [{urlPrefix: x}]\n`, /extenders\[0\].urlPrefix is no http or https URL/)
    const binders = "[{urlPrefix: 'http://a', bindVerb: b}, {urlPrefix: 'http://c', bindVerb: b}]"
    refused(`${HEAD}extenders: ${binders}\n`, /only one extender can implement bind/)
    refused(`${HEAD}extenders: [{urlPrefix: 'http://a', prioritizeVerb: p}]\n`, /weight must have a positive weight/)
    refused(`${HEAD}extenders: [{urlPrefix: 'http://a', managedResources: [{name: cpu}]}]\n`, /invalid extended resource name/)
    refused(
      `${HEAD}profiles: [{plugins: {filter: {enabled: [{name: Mine}]}}}]\n`,
      /profiles\[0\].plugins.filter.enabled\[0\].name there is no plugin "Mine"/,
    )
    const plugins = (of: string): string => `${HEAD}profiles: [{plugins: ${of}}]\n`
    refused(plugins('{score: {enabled: [{name: NodePorts}]}}'), /score.enabled\[0\].name "NodePorts" has no say at this point/)
    refused(plugins('{score: {enabled: [{name: ImageLocality}, {name: ImageLocality}]}}'), /score.enabled has ImageLocality twice/)
    refused(plugins('{multiPoint: {disabled: [{name: PrioritySort}]}}'), /"PrioritySort" cannot be disabled here/)
    refused(plugins("{multiPoint: {disabled: [{name: '*'}]}}"), /multiPoint.disabled leaves out SchedulingGates/)
    refused(`${HEAD}profiles: [{}, {}]\n`, /two have the name default-scheduler/)
    refused(`${HEAD}percentageOfNodesToScore: 101\n`, /is not between 0 and 100/)
    const args = (name: string, of: string): string => `${HEAD}profiles: [{pluginConfig: [{name: ${name}, args: ${of}}]}]\n`
    refused(args('Mine', '{}'), /"Mine" takes no arguments here/)
    refused(
      `${HEAD}profiles: [{pluginConfig: [{name: InterPodAffinity}, {name: InterPodAffinity}]}]\n`,
      /pluginConfig\[1\].name "InterPodAffinity" has arguments already/,
    )
    const balanced = (resources: string): string => args('NodeResourcesBalancedAllocation', `{resources: ${resources}}`)
    refused(balanced('[{name: cpu, weight: 2}]'), /resources has a weight other than 1/)
    refused(balanced('[{name: cpu, weight: 1}, {name: cpu, weight: 1}]'), /resources has cpu twice/)
    refused(args('NodeResourcesFit', '{ignoredResourceGroups: [a.com/b]}'), /ignoredResourceGroups has "a.com\/b"/)
    refused(
      args('NodeResourcesFit', '{scoringStrategy: {type: MostAllocated, requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}]}}}'),
      /requestedToCapacityRatio must not be there/,
    )
    const spread = (of: string): string => args('PodTopologySpread', `{defaultingType: List, defaultConstraints: [${of}]}`)
    const zone = '{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}'
    refused(spread(`${zone}, ${zone}`), /defaultConstraints\[1\].topologyKey is there with ScheduleAnyway already/)
    refused(spread('{maxSkew: 0, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}'), /maxSkew is not between 1/)
    refused(spread('{maxSkew: 1, topologyKey: zone}'), /whenUnsatisfiable can not be empty/)
    refused(
      spread('{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {}}'),
      /labelSelector must not be there/,
    )
    refused(args('VolumeBinding', '{bindTimeoutSeconds: -1}'), /bindTimeoutSeconds is not between 0/)
    refused(args('VolumeBinding', '{shape: [{utilization: 0, score: 0}]}'), /shape needs the feature StorageCapacityScoring/)
    refused(args('DynamicResources', '{bindingTimeout: 500ms}'), /bindingTimeout is shorter than 1s/)
    refused(args('DynamicResources', '{filterTimeout: soon}'), /filterTimeout is no duration/)
    refused(`${HEAD}leaderElection: {leaseDuration: 5s}\n`, /leaseDuration must be greater than renewDeadline/)
    refused(`${HEAD}leaderElection: {renewDeadline: 2s}\n`, /renewDeadline must be greater than retryPeriod/)
    refused(`${HEAD}leaderElection: {resourceLock: endpoints}\n`, /resourceLock is none of leases/)
    refused(`${HEAD}clientConnection: {contentType: application/vnd.kubernetes.protobuf}\n`, /contentType can only be application\/json/)
    refused(
      `${HEAD}profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: RequestedToCapacityRatio}}}]}]\n`,
      /needs a shape/,
    )
  })
})

describe('the arguments of plugins', () => {
  const place = (text: string, placed = true): string => {
    const profile = profileOf(`profiles: [{pluginConfig: [${text}]}]`)
    const cluster = testCluster(
      [testNode('a', { cpu: '10', memory: '10Gi', labels: { disk: 'ssd' } }), testNode('b', { cpu: '10', memory: '10Gi' })],
      placed ? [[testPod('x', { cpu: '5', memory: '5Gi' }), 'b']] : [],
    )
    const decision = new Decider(
      defaultPlugins(noStorage, () => undefined, profile),
      seededRandom(1),
    ).decide(cluster, testPod('p', { cpu: '1', memory: '1Gi' }))
    return decision.kind === 'placed' ? decision.node.name : refusalMessage(decision.diagnosis, '')
  }

  it('prefer emptier, fuller, or half full nodes', () => {
    const fit = (strategy: string): string => place(`{name: NodeResourcesFit, args: {scoringStrategy: ${strategy}}}`)
    assert.equal(fit('{type: LeastAllocated}'), 'a')
    assert.equal(fit('{type: MostAllocated, resources: [{name: cpu, weight: 3}]}'), 'b')
    const shape = '[{utilization: 0, score: 0}, {utilization: 60, score: 10}, {utilization: 100, score: 0}]'
    assert.equal(fit(`{type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: ${shape}}}`), 'b')
  })

  it('demand nodes for every pod', () => {
    const added = (value: string): string =>
      `{name: NodeAffinity, args: {addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [${value}]}]}]}}}}`
    assert.equal(place(added('ssd'), false), 'a')
    assert.equal(place(added('tape')), "0/2 nodes are available: 2 node(s) didn't match scheduler-enforced node affinity.")
  })
})
