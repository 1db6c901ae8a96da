import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { type core, refs, type resource } from '#api'
import type { Client } from '#client'
import { manualClock } from '#testing'
import { kubeletPaths } from '../plugins/kubelet-paths.ts'
import { PluginRegistry } from '../plugins/plugin-registry.ts'
import { fakeDriver } from '../testing/fake-driver.fixture.ts'
import { testPod } from '../testing/node-harness.fixture.ts'
import { DeviceHealth } from './device-health.ts'
import { ResourceDrivers } from './drivers.ts'
import { PodClaims } from './pod-claims.ts'

const DRIVER = 'gpu.example.com'

describe('claims of pods on their node', () => {
  let dir: string
  let clock: ReturnType<typeof manualClock>
  let scope: CancellableScope
  let claims: PodClaims
  let drivers: ResourceDrivers
  let came: string[]
  const withdrawn: string[] = []
  /** Pods whose devices have changed. */
  const ill: string[] = []
  const known = new Map<string, resource.ResourceClaim>()

  const client = {
    resource: () => ({
      deleteCollection: async (_: unknown, { fieldSelector }: { fieldSelector: string }) => void withdrawn.push(fieldSelector),
    }),
  } as unknown as Client

  const start = async (): Promise<void> => {
    scope = rootScope({ clock })
    came = []
    withdrawn.length = 0
    ill.length = 0
    const health = new DeviceHealth(clock, (driver) => ill.push(...claims.podsOf(driver)))
    drivers = new ResourceDrivers({ client, nodeName: 'n1', came: (driver) => void came.push(driver), health })
    drivers.start(scope)
    claims = new PodClaims({
      path: join(dir, 'claims.json'),
      drivers,
      health,
      claim: async (_, __, name) => {
        const claim = known.get(name)
        if (claim === undefined) throw new Error(`${refs.resourceclaims.plural}.resource.k8s.io "${name}" not found`)
        return claim
      },
    })
    await claims.start(scope)
    void new PluginRegistry(join(dir, 'plugins_registry'), kubeletPaths(dir), { DRAPlugin: drivers.handler(scope) }).run(scope)
  }
  const until = async (holds: () => boolean): Promise<void> => {
    const deadline = performance.now() + 10_000
    while (!holds()) {
      assert.ok(performance.now() < deadline, 'it did not happen')
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'dra-'))
    clock = manualClock()
    known.clear()
    await start()
  })
  afterEach(async () => {
    scope.cancel()
    await rm(dir, { recursive: true, force: true })
  })

  const pod = (name: string, claim: string): core.Pod =>
    testPod(name, {
      resourceClaims: [{ name: 'device', resourceClaimName: claim }],
      containers: [
        { name: 'main', resources: { claims: [{ name: 'device' }] } },
        { name: 'other', resources: { claims: [{ name: 'device', request: 'none' }] } },
      ],
    })
  const allocate = (name: string, ...pods: readonly core.Pod[]): void =>
    void known.set(name, {
      metadata: { name, namespace: 'default', uid: `uid-${name}` },
      spec: {},
      status: {
        allocation: { devices: { results: [{ request: 'gpu', driver: DRIVER, pool: 'n1', device: 'card' }] } },
        reservedFor: pods.map(({ metadata }) => ({ resource: 'pods', name: metadata?.name ?? '', uid: metadata?.uid ?? '' })),
      },
    })
  const cdi = async (of: core.Pod, container: string): Promise<readonly string[]> =>
    (await claims.extrasOf(scope, of, { name: container })).cdiDevices

  test('are made ready by their driver once, for all pods that use them, and given back after the last', async () => {
    const driver = await fakeDriver(scope, dir, DRIVER)
    await until(() => came.length === 1)
    const [a, b] = [pod('a', 'shared'), pod('b', 'shared')]
    allocate('shared', a, b)
    await claims.prepare(scope, a)
    await claims.prepare(scope, b)
    assert.deepEqual(driver.asked, ['prepare shared'])
    assert.deepEqual(await cdi(a, 'main'), [`${DRIVER}/gpu=shared`])
    assert.deepEqual(await cdi(a, 'other'), [])
    assert.deepEqual(claims.uses(b, 'main'), [
      {
        claimName: 'shared',
        claimNamespace: 'default',
        claimResources: [{ cdiDevices: [{ name: `${DRIVER}/gpu=shared` }], driverName: DRIVER, poolName: 'n1', deviceName: 'card' }],
      },
    ])
    await claims.release(scope, a)
    await claims.release(scope, b)
    await claims.release(scope, b)
    assert.deepEqual(driver.asked, ['prepare shared', 'unprepare shared'])
  })

  test('keep a pod waiting that may not use them, or whose driver is not there or refuses', async () => {
    const mine = pod('mine', 'claim')
    const words = (what: string): object => ({
      reason: 'FailedPrepareDynamicResources',
      message: `Failed to prepare dynamic resources: prepare dynamic resources: ${what}`,
    })
    await assert.rejects(claims.prepare(scope, mine), words('fetch ResourceClaim claim: resourceclaims.resource.k8s.io "claim" not found'))
    allocate('claim', pod('yours', 'claim'))
    await assert.rejects(claims.prepare(scope, mine), words('pod mine (uid-mine) is not allowed to use ResourceClaim claim (uid-claim)'))
    allocate('claim', mine)
    await assert.rejects(claims.prepare(scope, mine), words(`DRA driver ${DRIVER} is not registered`))
    const driver = await fakeDriver(scope, dir, DRIVER, 'v1beta1.DRAPlugin')
    await until(() => came.length === 1)
    driver.error = 'no such card'
    await assert.rejects(claims.prepare(scope, mine), words('NodePrepareResources failed for ResourceClaim claim: no such card'))
    driver.error = ''
    await claims.prepare(scope, mine)
    assert.deepEqual(await cdi(mine, 'main'), [`${DRIVER}/gpu=claim`])
  })

  test('are known to an agent that was restarted; those of pods that are gone are given back', async () => {
    await fakeDriver(scope, dir, DRIVER)
    await until(() => came.length === 1)
    const [kept, gone] = [pod('kept', 'one'), pod('gone', 'two')]
    allocate('one', kept)
    allocate('two', gone)
    await claims.prepare(scope, kept)
    await claims.prepare(scope, gone)
    scope.cancel()
    await start()
    await claims.keepOnly(scope, new Set(['uid-kept']))
    const driver = await fakeDriver(scope, dir, DRIVER)
    await until(() => came.length > 0)
    await claims.keepOnly(scope, new Set(['uid-kept']))
    assert.deepEqual(driver.asked, ['unprepare two'])
    await claims.prepare(scope, kept)
    assert.deepEqual(driver.asked, ['unprepare two'])
    assert.deepEqual(await cdi(kept, 'main'), [`${DRIVER}/gpu=one`])
  })

  test('what a driver has announced of the node is taken back when the agent starts, and when the driver stays away', async () => {
    await until(() => withdrawn.length === 1)
    assert.deepEqual(withdrawn, ['spec.nodeName=n1'])
    const life = scope.child()
    await fakeDriver(life, dir, DRIVER)
    await until(() => came.length === 1)
    life.cancel()
    await until(() => {
      clock.advance(30_000)
      return withdrawn.length === 2
    })
    assert.equal(withdrawn[1], `spec.nodeName=n1,spec.driver=${DRIVER}`)
  })

  test('say how their devices are, for as long as the driver says so', async () => {
    const life = scope.child()
    const driver = await fakeDriver(scope, dir, DRIVER, 'v1.DRAPlugin', life, { tellsHealth: true })
    await until(() => came.length === 1)
    const a = pod('a', 'one')
    allocate('one', a)
    await claims.prepare(scope, a)
    const card = `${DRIVER}/gpu=one`
    const told = (): unknown => claims.healthOf(a, 'main')
    const as = (health: object): unknown => [{ name: 'claim:device', resources: [{ resourceID: card, ...health }] }]
    assert.deepEqual(told(), as({ health: 'Unknown' }))
    assert.deepEqual(claims.healthOf(a, 'other'), [])
    const say = (health: number, message: string, seconds = 0n): void => {
      const device = { poolName: 'n1', deviceName: 'card' }
      driver.devices = [{ device, health, message, healthCheckTimeoutSeconds: seconds }]
      driver.tell()
    }
    say(2, 'x'.repeat(2000))
    await until(() => ill.length === 1)
    assert.deepEqual(ill, ['uid-a'])
    assert.deepEqual(told(), as({ health: 'Unhealthy', message: `${'x'.repeat(1021)}...` }))
    say(1, '', 50n)
    await until(() => ill.length === 2)
    clock.advance(49_999)
    assert.deepEqual(told(), as({ health: 'Healthy' }))
    clock.advance(1)
    assert.deepEqual([told(), ill.length], [as({ health: 'Unknown' }), 3])
    say(1, '')
    await until(() => ill.length === 4)
    life.cancel()
    await until(() => ill.length === 5)
    assert.deepEqual(told(), as({ health: 'Unknown' }))
  })

  test('a driver that is killed is missed, though its registration is still there', async () => {
    await until(() => withdrawn.length === 1)
    const process = scope.child()
    await fakeDriver(scope, dir, DRIVER, 'v1.DRAPlugin', process)
    await until(() => came.length === 1)
    process.cancel()
    await until(() => {
      clock.advance(30_000)
      return withdrawn.length === 2
    })
  })
})
