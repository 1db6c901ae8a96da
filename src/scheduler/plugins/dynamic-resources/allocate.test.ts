import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { resource } from '#api'
import { type AllocationFacts, allocate, fullBudget } from './allocate.ts'
import { type DeviceView, noDevices } from './device-view.ts'
import { poolsFor } from './pools.ts'
import { Selectors, UnfitPools } from './selectors.ts'
import { usedDevices } from './used-devices.ts'

const DRIVER = 'gpu.example.com'
const node = { name: 'n1', labels: { zone: 'a' } }
const device = (name: string, more: Partial<resource.Device> = {}): resource.Device => ({ name, ...more })
const slice = (
  name: string,
  devices: readonly resource.Device[],
  more: Partial<resource.ResourceSliceSpec> = {},
): resource.ResourceSlice => ({
  metadata: { name },
  spec: { driver: DRIVER, pool: { name: 'n1', generation: 1, resourceSliceCount: 1 }, nodeName: 'n1', devices: [...devices], ...more },
})
const cel = (expression: string): resource.DeviceSelector => ({ cel: { expression } })
const exactly = (more: Partial<resource.ExactDeviceRequest> = {}): resource.ExactDeviceRequest => ({
  deviceClassName: 'gpu',
  allocationMode: 'ExactCount',
  count: 1,
  ...more,
})
const claim = (requests: readonly resource.DeviceRequest[], more: Partial<resource.DeviceClaim> = {}): resource.ResourceClaim => ({
  metadata: { name: 'c', namespace: 'default' },
  spec: { devices: { requests: [...requests], ...more } },
})
const one = (more: Partial<resource.ExactDeviceRequest> = {}): resource.ResourceClaim => claim([{ name: 'r', exactly: exactly(more) }])

interface World {
  readonly slices: readonly resource.ResourceSlice[]
  readonly given?: readonly resource.AllocationResult[]
  readonly deviceClass?: Partial<resource.DeviceClassSpec>
}

function factsOf({ slices, given = [], deviceClass = {} }: World): AllocationFacts {
  const view: DeviceView = {
    ...noDevices,
    slicesFor: () => slices,
    slicesOfPool: (driver, pool) => slices.filter(({ spec }) => spec.driver === driver && spec.pool.name === pool),
  }
  let shares = 0
  return {
    node,
    pools: poolsFor(view, node),
    used: usedDevices(given),
    selectors: new Selectors(),
    classOf: (name) =>
      name === 'gpu' ? { metadata: { name }, spec: { selectors: [cel(`device.driver == "${DRIVER}"`)], ...deviceClass } } : undefined,
    newShareId: () => `share-${++shares}`,
    budget: fullBudget(),
  }
}
/** The devices of each claim. */
const devicesOf = (claims: readonly resource.ResourceClaim[], world: World): string[][] | undefined =>
  allocate(claims, factsOf(world))?.map(({ devices }) => (devices?.results ?? []).map(({ request, device: name }) => `${request}=${name}`))

const given = (name: string, more: Partial<resource.DeviceRequestAllocationResult> = {}): resource.AllocationResult => ({
  devices: { results: [{ request: 'x', driver: DRIVER, pool: 'n1', device: name, ...more }] },
})

describe('devices for claims', () => {
  const model = (name: string): resource.Device =>
    device(name, { attributes: { model: { string: name.slice(0, 1) }, index: { int: Number(name.slice(1)) } } })
  const ab = [slice('s', [model('a1'), model('a2'), model('b1'), model('b2')])]

  it('are the first that fit, and nobody else’s', () => {
    assert.deepEqual(devicesOf([one(), one()], { slices: ab }), [['r=a1'], ['r=a2']])
    assert.deepEqual(devicesOf([one({ count: 2 })], { slices: ab, given: [given('a1')] }), [['r=a2', 'r=b1']])
    assert.equal(devicesOf([one({ count: 5 })], { slices: ab }), undefined)
  })

  it('are what the class and the request select', () => {
    const selected = [cel(`device.attributes["${DRIVER}"].model == "b" && device.attributes["${DRIVER}"].index > 1`)]
    assert.deepEqual(devicesOf([one({ selectors: selected })], { slices: ab }), [['r=b2']])
    assert.deepEqual(devicesOf([one()], { slices: ab, deviceClass: { selectors: [cel(`device.attributes["${DRIVER}"].model == "b"`)] } }), [
      ['r=b1'],
    ])
    assert.equal(devicesOf([one()], { slices: ab, deviceClass: { selectors: [cel('device.driver == "other"')] } }), undefined)
  })

  it('with versions and amounts that are compared as such', () => {
    const slices = [
      slice('s', [
        device('a', { attributes: { v: { version: '1.9.0' } }, capacity: { memory: { value: '16Gi' } } }),
        device('b', { attributes: { v: { version: '1.10.0' } }, capacity: { memory: { value: '40Gi' } } }),
      ]),
    ]
    const version = cel(`device.attributes["${DRIVER}"].v.isGreaterThan(semver("1.9.5"))`)
    const memory = cel(`device.capacity["${DRIVER}"].memory.compareTo(quantity("32Gi")) >= 0`)
    assert.deepEqual(devicesOf([one({ selectors: [version, memory] })], { slices }), [['r=b']])
  })

  it('of which all are asked for are all, or none', () => {
    assert.deepEqual(
      devicesOf([one({ allocationMode: 'All', selectors: [cel(`device.attributes["${DRIVER}"].model == "a"`)] })], { slices: ab }),
      [['r=a1', 'r=a2']],
    )
    assert.equal(devicesOf([one({ allocationMode: 'All' })], { slices: ab, given: [given('b2')] }), undefined)
    assert.equal(devicesOf([one({ allocationMode: 'All', selectors: [cel('false')] })], { slices: ab }), undefined)
  })

  it('are not looked at when there are enough before them', () => {
    const slices = [slice('s', [model('a1'), device('bare')])]
    const byModel = { selectors: [cel(`device.attributes["${DRIVER}"].model == "a"`)] }
    assert.deepEqual(devicesOf([one(byModel)], { slices }), [['r=a1']])
    assert.deepEqual(
      devicesOf([one({ ...byModel, count: 1 })], { slices: [slice('s', [device('bare'), model('a1')])], given: [given('bare')] }),
      [['r=a1']],
    )
    assert.throws(() => devicesOf([one({ ...byModel, count: 2 })], { slices }), /no such key: model/)
    assert.throws(() => devicesOf([one({ ...byModel, allocationMode: 'All' })], { slices }), /no such key: model/)
  })

  it('are the first alternative that there is', () => {
    const wanted = claim([
      {
        name: 'r',
        firstAvailable: [
          { name: 'many', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 5 },
          { name: 'few', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 },
        ],
      },
    ])
    assert.deepEqual(devicesOf([wanted], { slices: ab }), [['r/few=a1', 'r/few=a2']])
  })

  it('go together as their constraints say, which takes back what was tried first', () => {
    const requests = [
      { name: 'x', exactly: exactly() },
      { name: 'y', exactly: exactly({ count: 2 }) },
    ]
    const slices = [slice('s', [model('a1'), model('b1'), model('b2'), model('b3')])]
    assert.deepEqual(devicesOf([claim(requests, { constraints: [{ matchAttribute: `${DRIVER}/model` }] })], { slices }), [
      ['x=b1', 'y=b2', 'y=b3'],
    ])
    const distinct = claim(requests.slice(1), { constraints: [{ requests: ['y'], distinctAttribute: `${DRIVER}/model` }] })
    assert.deepEqual(devicesOf([distinct], { slices }), [['y=a1', 'y=b1']])
  })

  it('with taints are for who tolerates them', () => {
    const slices = [slice('s', [device('a', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] })])]
    assert.equal(devicesOf([one()], { slices }), undefined)
    assert.deepEqual(devicesOf([one({ tolerations: [{ key: 'k', operator: 'Exists' }] })], { slices }), [['r=a']])
    assert.equal(devicesOf([one({ tolerations: [{ key: 'k', operator: 'Equal', value: 'w' }] })], { slices }), undefined)
  })

  it('are seen by administrators while others use them', () => {
    const slices = [slice('s', [device('a')])]
    assert.deepEqual(devicesOf([one({ adminAccess: true })], { slices, given: [given('a')] }), [['r=a']])
    assert.deepEqual(devicesOf([one()], { slices, given: [given('a', { adminAccess: true })] }), [['r=a']])
  })

  it('are shared as far as they reach', () => {
    const slices = [
      slice('s', [
        device('a', {
          allowMultipleAllocations: true,
          capacity: { memory: { value: '10Gi', requestPolicy: { default: '2Gi', validRange: { min: '2Gi', step: '2Gi' } } } },
        }),
      ]),
    ]
    const wanting = (memory?: string): resource.ResourceClaim => one(memory === undefined ? {} : { capacity: { requests: { memory } } })
    const [result] = allocate([wanting('3Gi')], factsOf({ slices })) ?? []
    assert.deepEqual(result?.devices?.results?.[0]?.consumedCapacity, { memory: '4Gi' })
    assert.equal(result?.devices?.results?.[0]?.shareID, 'share-1')
    const taken = given('a', { shareID: 'z', consumedCapacity: { memory: '6Gi' } })
    assert.deepEqual(devicesOf([wanting('3Gi')], { slices, given: [taken] }), [['r=a']])
    assert.equal(devicesOf([wanting('3Gi'), wanting()], { slices, given: [taken] }), undefined)
    assert.equal(devicesOf([one({ capacity: { requests: { other: '1' } } })], { slices }), undefined)
  })

  it('that are parts of one thing are given while its counters last', () => {
    const pool = { name: 'n1', generation: 1, resourceSliceCount: 2 }
    const uses = (value: string): Partial<resource.Device> => ({
      consumesCounters: [{ counterSet: 'card', counters: { memory: { value } } }],
    })
    const slices = [
      slice('counters', [], { pool, devices: undefined, sharedCounters: [{ name: 'card', counters: { memory: { value: '4Gi' } } }] }),
      slice('parts', [device('whole', uses('4Gi')), device('half-1', uses('2Gi')), device('half-2', uses('2Gi'))], { pool }),
    ]
    assert.deepEqual(devicesOf([one({ count: 2 })], { slices }), [['r=half-1', 'r=half-2']])
    assert.equal(devicesOf([one({ count: 2 })], { slices, given: [given('half-1')] }), undefined)
    assert.equal(devicesOf([one()], { slices, given: [given('whole')] }), undefined)
  })

  it('of a pool that is being changed wait; a newer state of it replaces the old one', () => {
    const half = slice('s', [device('a')], { pool: { name: 'n1', generation: 1, resourceSliceCount: 2 } })
    assert.equal(devicesOf([one()], { slices: [half] }), undefined)
    const newer = slice('t', [device('b')], { pool: { name: 'n1', generation: 2, resourceSliceCount: 1 } })
    assert.deepEqual(devicesOf([one()], { slices: [slice('s', [device('a')]), newer] }), [['r=b']])
    const twice = slice('s', [device('a'), device('a')])
    assert.throws(() => devicesOf([one()], { slices: [twice] }), new UnfitPools('invalid resource pools were encountered'))
  })

  it('of many nodes are those of this one, and the claim says where it can be used', () => {
    const term = (value: string) => ({ nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }] }] })
    const slices = [
      slice('s', [device('other', { nodeSelector: term('b') }), device('here', { nodeSelector: term('a') })], {
        nodeName: undefined,
        perDeviceNodeSelection: true,
      }),
    ]
    const [result] = allocate([one()], factsOf({ slices })) ?? []
    assert.equal(result?.devices?.results?.[0]?.device, 'here')
    assert.deepEqual(result?.nodeSelector, term('a'))
    assert.deepEqual(allocate([one()], factsOf({ slices: [slice('s', [device('a')])] }))?.[0]?.nodeSelector, {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
    })
  })

  it('come with the configuration of their class and of the claim', () => {
    const opaque = (text: string) => ({ opaque: { driver: DRIVER, parameters: { text } } })
    const wanted = claim(
      [
        { name: 'x', exactly: exactly() },
        { name: 'y', exactly: exactly() },
      ],
      {
        config: [{ requests: ['y'], ...opaque('own') }, opaque('all')],
      },
    )
    const [result] = allocate([wanted], factsOf({ slices: ab, deviceClass: { config: [opaque('class')] } })) ?? []
    assert.deepEqual(result?.devices?.config, [
      { source: 'FromClass', requests: ['x', 'y'], ...opaque('class') },
      { source: 'FromClaim', requests: ['y'], ...opaque('own') },
      { source: 'FromClaim', ...opaque('all') },
    ])
  })

  it('cannot be told when an expression fails, or the class is not there', () => {
    assert.throws(
      () => devicesOf([one({ selectors: [cel(`device.attributes["${DRIVER}"].nothing == "a"`)] })], { slices: ab }),
      /claim default\/c: selector #0: CEL runtime error: no such key: nothing/,
    )
    assert.throws(
      () => devicesOf([one({ deviceClassName: 'none' })], { slices: ab }),
      /claim default\/c, request r: could not retrieve device class none/,
    )
  })

  it('are not searched for ever', () => {
    const many = [
      slice(
        's',
        Array.from({ length: 60 }, (_, i) => device(`d${i}`, { attributes: { i: { int: i } } })),
      ),
    ]
    const impossible = claim([{ name: 'r', exactly: exactly({ count: 12 }) }], {
      constraints: [{ distinctAttribute: `${DRIVER}/i` }, { requests: ['q'], matchAttribute: `${DRIVER}/none` }],
    })
    impossible.spec.devices?.requests?.push({ name: 'q', exactly: exactly() })
    assert.throws(() => devicesOf([impossible], { slices: many }), /timed out trying to allocate devices/)
  })
})
