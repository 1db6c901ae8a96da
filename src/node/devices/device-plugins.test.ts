import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import type { core } from '#api'
import { manualClock } from '#testing'
import { openChannel } from '../cri/grpc/channel.ts'
import { fakeDevicePlugin } from '../testing/fake-device-plugin.fixture.ts'
import { testPod } from '../testing/node-harness.fixture.ts'
import { DevicePlugins } from './device-plugins.ts'
import { podResourcesMethods } from './pod-resources-api.ts'
import { servePodResources } from './pod-resources-server.ts'

const GPU = 'example.com/gpu'
const asking = (name: string, count: number, more: Partial<core.Container> = {}): core.Container => ({
  name,
  resources: { limits: { [GPU]: String(count) }, requests: { [GPU]: String(count) } },
  ...more,
})

describe('devices of plugins', () => {
  let dir: string
  let clock: ReturnType<typeof manualClock>
  let scope: CancellableScope
  let plugins: DevicePlugins
  let ill: string[]
  const start = async (): Promise<void> => {
    scope = rootScope({ clock })
    ill = []
    plugins = new DevicePlugins({ dir, changed: () => undefined, healthChanged: (uids) => void ill.push(...uids) })
    await plugins.start(scope)
  }
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'dev-'))
    clock = manualClock()
    await start()
  })
  afterEach(async () => {
    scope.cancel()
    await rm(dir, { recursive: true, force: true })
  })
  const until = async (holds: () => boolean): Promise<void> => {
    const deadline = performance.now() + 10_000
    while (!holds()) {
      assert.ok(performance.now() < deadline, 'it did not happen')
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const ready = (count: number) => until(() => plugins.counts.allocatable[GPU] === count)
  const extras = (pod: core.Pod, name: string) =>
    plugins.extrasOf(
      scope,
      pod,
      [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find((one) => one.name === name) ?? { name },
    )

  test('are counted, handed out as their plugin prefers, and given to the container with all that goes with them', async () => {
    const plugin = await fakeDevicePlugin(
      scope,
      dir,
      GPU,
      { a: 'Healthy', b: 'Healthy', c: 'Unhealthy' },
      {
        getPreferredAllocationAvailable: true,
        preStartRequired: true,
      },
    )
    await ready(2)
    assert.deepEqual(plugins.counts.capacity, { [GPU]: 3 })
    const pod = testPod('web', { containers: [asking('main', 1)] })
    await plugins.prepare(scope, pod)
    const given = await extras(pod, 'main')
    assert.deepEqual(plugin.asked, ['allocate b', 'prestart b'])
    assert.deepEqual(given.env, [{ name: 'DEVICES', value: 'b' }])
    assert.deepEqual(given.devices, [{ containerPath: '/dev/b', hostPath: '/dev/null', permissions: 'rw' }])
    assert.deepEqual(given.mounts, [
      { containerPath: '/etc/device', hostPath: dir, readOnly: true, recursiveReadOnly: false, propagation: 'private' },
    ])
    assert.deepEqual(given.annotations, { 'example.com/devices': 'b' })
    assert.deepEqual(given.cdiDevices, [`${GPU}=b`])
    assert.deepEqual(plugins.healthOf(pod, 'main'), [{ name: GPU, resources: [{ resourceID: 'b', health: 'Healthy' }] }])
  })

  test('are nobody else’s until the pod has ended', async () => {
    await fakeDevicePlugin(scope, dir, GPU, { a: 'Healthy' })
    await ready(1)
    const [first, second] = [testPod('a', { containers: [asking('main', 1)] }), testPod('b', { containers: [asking('main', 1)] })]
    await plugins.prepare(scope, first)
    await assert.rejects(plugins.prepare(scope, second), {
      reason: 'UnexpectedAdmissionError',
      message: `Pod was rejected: Allocate failed due to requested number of devices unavailable for ${GPU}. Requested: 1, Available: 0, which is unexpected`,
    })
    await plugins.release(scope, first)
    await plugins.prepare(scope, second)
  })

  test('of init containers are used again; those of sidecars are not', async () => {
    const plugin = await fakeDevicePlugin(scope, dir, GPU, { a: 'Healthy', b: 'Healthy', c: 'Healthy' })
    await ready(3)
    const pod = testPod('web', {
      initContainers: [asking('init', 2), asking('side', 1, { restartPolicy: 'Always' })],
      containers: [asking('main', 2)],
    })
    await plugins.prepare(scope, pod)
    assert.deepEqual(plugin.asked, ['allocate a b', 'allocate a', 'allocate b c'])
  })

  test('stay with their containers when the agent is restarted', async () => {
    await fakeDevicePlugin(scope, dir, GPU, { a: 'Healthy', b: 'Healthy' })
    await ready(2)
    const pod = testPod('web', { containers: [asking('main', 1)] })
    await plugins.prepare(scope, pod)
    scope.cancel()
    await start()
    assert.deepEqual(plugins.counts, { capacity: { [GPU]: 0 }, allocatable: { [GPU]: 0 } })
    await assert.rejects(
      plugins.prepare(scope, testPod('new', { containers: [asking('main', 1)] })),
      /cannot allocate unregistered device|unregistered/,
    )
    const plugin = await fakeDevicePlugin(scope, dir, GPU, { a: 'Healthy', b: 'Healthy' })
    await ready(2)
    await plugins.prepare(scope, pod)
    assert.deepEqual((await extras(pod, 'main')).env, [{ name: 'DEVICES', value: 'a' }])
    await plugins.prepare(scope, testPod('other', { containers: [asking('main', 1)] }))
    assert.deepEqual(plugin.asked, ['allocate b'])
    await plugins.keepOnly(new Set())
    await plugins.prepare(scope, testPod('both', { containers: [asking('main', 2)] }))
  })

  test('fall ill with their plugin, and are forgotten when it does not come back', async () => {
    const plugin = await fakeDevicePlugin(scope, dir, GPU, { a: 'Healthy' })
    await ready(1)
    const pod = testPod('web', { containers: [asking('main', 1)] })
    await plugins.prepare(scope, pod)
    plugin.set({ a: 'Unhealthy' })
    await until(() => ill.length > 0)
    assert.equal(plugins.healthOf(pod, 'main')[0]?.resources?.[0]?.health, 'Unhealthy')
    plugin.set({ a: 'Healthy' })
    await ready(1)
    plugin.stop()
    await ready(0)
    assert.deepEqual(plugins.counts.capacity, { [GPU]: 1 })
    clock.advance(300_000)
    assert.deepEqual(plugins.counts.capacity, { [GPU]: 0 })
  })

  test('a plugin of another version, or of a name that is Kubernetes’ own, is refused', async () => {
    await assert.rejects(
      fakeDevicePlugin(scope, dir, 'kubernetes.io/gpu', {}),
      /the ResourceName \\"kubernetes.io\/gpu\\" is invalid|is invalid/,
    )
    assert.throws(() => plugins.handler.validate({ name: GPU, endpoint: '', versions: ['v1'] }), /is not supported by kubelet/)
  })

  test('are told to who watches their use', async () => {
    await fakeDevicePlugin(scope, dir, GPU, { a: 'Healthy', b: 'Healthy' })
    await ready(2)
    const pod = testPod('web', { containers: [asking('main', 1)] })
    await plugins.prepare(scope, pod)
    const at = join(dir, 'pod-resources')
    await servePodResources(scope, {
      dir: at,
      pods: () => [pod],
      devices: plugins,
      claims: () => [],
      places: {
        cpusOf: () => [1],
        usableCpus: () => [0, 1],
        memoryOf: () => [{ nodes: 0b10, type: 'memory', bytes: 1024 }],
        usableMemory: () => [],
      },
    })
    const channel = openChannel({ path: join(at, 'kubelet.sock') })
    const ask = async (name: string, request: object = {}): Promise<string> => {
      const method = podResourcesMethods().get(`PodResourcesLister/${name}`)
      const plain = (key: string, value: unknown): unknown =>
        key.startsWith('$') ? undefined : typeof value === 'bigint' ? Number(value) : value
      return JSON.stringify(await channel.unary(scope, method, request), plain)
    }
    const device = (id: string): string => `{"resourceName":"${GPU}","deviceIds":["${id}"],"topology":{"nodes":[{"ID":0}]}}`
    const memory = '{"memoryType":"memory","size":1024,"topology":{"nodes":[{"ID":1}]}}'
    const container = `{"name":"main","devices":[${device('a')}],"cpuIds":[1],"memory":[${memory}],"dynamicResources":[]}`
    const shown = `{"name":"web","namespace":"default","containers":[${container}]}`
    assert.equal(await ask('List'), `{"podResources":[${shown}]}`)
    assert.equal(await ask('Get', { podName: 'web', podNamespace: 'default' }), `{"podResources":${shown}}`)
    assert.equal(await ask('GetAllocatableResources'), `{"devices":[${device('a')},${device('b')}],"cpuIds":[0,1],"memory":[]}`)
    await assert.rejects(ask('Get', { podName: 'no', podNamespace: 'default' }), /pod no in namespace default not found/)
    channel.close()
  })
})
