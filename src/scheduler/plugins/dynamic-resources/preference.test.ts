import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { resource } from '#api'
import { seededRandom } from '#base'
import { Decider, prepareFilters } from '../../framework/decide.ts'
import { candidatesOf } from '../../framework/candidates.ts'
import { scoreNodes } from '../../framework/scores.ts'
import { noStorage, testCluster, testNode, testPod } from '../../testing/build.ts'
import { defaultPlugins } from '../default-plugins.ts'
import { defaultProfile } from '../../config/profile.ts'
import { type DeviceView, noDevices } from './device-view.ts'
import { DynamicResources } from './dynamic-resources.ts'

const DRIVER = 'gpu.example.com'
const slice = (node: string, devices: readonly string[]): resource.ResourceSlice => ({
  metadata: { name: node },
  spec: {
    driver: DRIVER,
    pool: { name: node, generation: 1, resourceSliceCount: 1 },
    nodeName: node,
    devices: devices.map((name) => ({ name, attributes: { size: { string: name } } })),
  },
})
const sized = (name: string): resource.DeviceSubRequest => ({
  name,
  deviceClassName: 'gpu',
  allocationMode: 'ExactCount',
  count: 1,
  selectors: [{ cel: { expression: `device.attributes["${DRIVER}"].size == "${name}"` } }],
})

describe('nodes for a claim with alternatives', () => {
  const slices = [slice('small', ['little']), slice('none', []), slice('large', ['big', 'little']), slice('medium', ['middle'])]
  const claim: resource.ResourceClaim = {
    metadata: { name: 'c', namespace: 'default', uid: 'c' },
    spec: { devices: { requests: [{ name: 'r', firstAvailable: [sized('big'), sized('middle'), sized('little')] }] } },
  }
  const view: DeviceView = {
    ...noDevices,
    claim: () => claim,
    deviceClass: (name) => ({ metadata: { name }, spec: {} }),
    slicesFor: (node) => slices.filter(({ spec }) => spec.nodeName === node),
    slicesOfPool: (_, pool) => slices.filter(({ spec }) => spec.pool.name === pool),
  }
  const clock = { now: () => 0, monotonic: () => 0, after: () => ({ cancel: () => undefined }) } as unknown as ConstructorParameters<
    typeof DynamicResources
  >[1]
  const plugins = defaultPlugins(noStorage, () => undefined, defaultProfile(), new DynamicResources(view, clock, seededRandom(1)))
  const cluster = testCluster(['small', 'none', 'large', 'medium'].map((name) => testNode(name)))
  const pod = testPod('p', { spec: { resourceClaims: [{ name: 'x', resourceClaimName: 'c' }] } })

  it('are the better, the earlier the alternative is named that they have', () => {
    let found: readonly number[] = []
    scoreNodes(
      cluster,
      pod,
      candidatesOf(cluster.nodes().filter(({ name }) => name !== 'none')),
      plugins.scores,
      (name, values, weight) => {
        if (name === 'DynamicResources') found = [...values].map((value) => value * weight)
      },
    )
    assert.deepEqual(found, [150, 200, 174])
    const decision = new Decider(plugins, seededRandom(1)).decide(cluster, pod)
    assert.equal(decision.kind === 'placed' ? decision.node.name : '', 'large')
  })

  it('are not compared for a pod without such a claim', () => {
    const told: string[] = []
    scoreNodes(cluster, testPod('q'), candidatesOf(cluster.nodes()), plugins.scores, (name) => told.push(name))
    assert.equal(told.includes('DynamicResources'), false)
  })

  it('lack what is not given yet before they lack what is', () => {
    const there: resource.ResourceClaim = {
      metadata: { name: 'there', namespace: 'default', uid: 'there' },
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 } }] } },
      status: {
        allocation: { nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['x'] }] }] } },
      },
    }
    const { filters } = defaultPlugins(
      noStorage,
      () => undefined,
      defaultProfile(),
      new DynamicResources({ ...view, claim: (_, name) => (name === 'there' ? there : claim) }, clock, seededRandom(1)),
    )
    const both = ['there', 'c'].map((name) => ({ name, resourceClaimName: name }))
    const checked = prepareFilters(cluster, testPod('p', { spec: { resourceClaims: both } }), filters)
    assert.deepEqual(
      cluster.nodes().map((node) => ('check' in checked ? checked.check(node)?.reasons[0] : undefined)),
      [
        'resourceclaim not available on the node',
        'cannot allocate all claims',
        ...Array<string>(2).fill('resourceclaim not available on the node'),
      ],
    )
  })
})
