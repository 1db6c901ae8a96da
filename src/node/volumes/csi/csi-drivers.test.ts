import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, describe, it } from 'node:test'
import { rootScope } from '#base'
import { type core, refs, type storage } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createFakeApi, eventually } from '#testing'
import { serveGrpc } from '../../cri/grpc/serve.ts'
import { kubeletPaths } from '../../plugins/kubelet-paths.ts'
import { PluginRegistry } from '../../plugins/plugin-registry.ts'
import { registrationMethods } from '../../plugins/registration-api.ts'
import { csiMethods } from './csi-api.ts'
import { CsiNode } from './csi-node.ts'
import { csiPlugins } from './csi-plugins.ts'
import { DriverRegistry } from './driver-registry.ts'
import { DriverVolumes } from './driver-volumes.ts'
import { useOfClaim, useOfInline } from './volume-use.ts'

const NAME = 'fake.example.com'
interface Asked {
  readonly volumeId: string
  readonly targetPath: string
  readonly stagingTargetPath: string
  readonly readonly: boolean
  readonly volumeContext: Readonly<Record<string, string>>
  readonly publishContext: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  readonly volumeCapability?: {
    readonly mount?: { readonly fsType: string }
    readonly block?: object
    readonly accessMode?: { readonly mode: number }
  }
  readonly capacityRange?: { readonly requiredBytes: bigint }
}

/** A CSI driver in a process of its own, as far as its callers can tell: it keeps what is staged and published, and shows directories. */
async function world(t: TestContext, capabilities: readonly number[] = [1, 3, 5]) {
  const scope = rootScope()
  const rootDir = mkdtempSync(join(tmpdir(), 'sampan-csi-'))
  t.after(() => {
    scope.cancel()
    rmSync(rootDir, { recursive: true, force: true })
  })
  const api = createFakeApi()
  const client = createClient({ transport: inProcessTransport(api.handler) })
  await client.resource(refs.nodes).create(scope, { metadata: { name: 'n' } })
  const state = {
    staged: new Map<string, string>(),
    published: new Map<string, Asked>(),
    most: 7n,
    grown: 0n,
    failPublish: false,
    staging: 0,
  }
  const methods = csiMethods()
  const paths = kubeletPaths(rootDir)
  const unary = (name: string, run: (asked: Asked) => object | void) =>
    [methods.get(`Node/${name}`), async (asked: never) => run(asked) ?? {}] as const
  mkdirSync(join(rootDir, 'plugins'), { recursive: true })
  const startDriver = (own: typeof scope): Promise<void> =>
    serveGrpc(own, join(rootDir, 'plugins', 'fake.sock'), [
      unary('NodeGetInfo', () => ({
        nodeId: 'node-id',
        maxVolumesPerNode: state.most,
        accessibleTopology: { segments: { 'example.com/rack': 'r1' } },
      })),
      unary('NodeGetCapabilities', () => ({ capabilities: capabilities.map((type) => ({ rpc: { type } })) })),
      unary('NodeStageVolume', ({ volumeId, stagingTargetPath }) => {
        state.staging++
        state.staged.set(volumeId, stagingTargetPath)
      }),
      unary('NodeUnstageVolume', ({ volumeId }) => void state.staged.delete(volumeId)),
      unary('NodePublishVolume', (asked) => {
        if (state.failPublish) throw new Error('not now')
        mkdirSync(paths.onNode(asked.targetPath), { recursive: true })
        state.published.set(asked.targetPath, asked)
      }),
      unary('NodeUnpublishVolume', ({ targetPath }) => {
        rmSync(paths.onNode(targetPath), { recursive: true, force: true })
        state.published.delete(targetPath)
      }),
      unary('NodeExpandVolume', ({ capacityRange }) => {
        state.grown = capacityRange?.requiredBytes ?? 0n
        return { capacityBytes: state.grown }
      }),
    ])
  const driverLife = scope.child()
  await startDriver(driverLife)
  const registrations: unknown[] = []
  const registry = join(rootDir, 'plugins_registry')
  mkdirSync(registry, { recursive: true })
  const register = (own: typeof scope): Promise<void> =>
    serveGrpc(own, join(registry, `${NAME}-reg.sock`), [
      [
        registrationMethods().get('Registration/GetInfo'),
        async () => ({ type: 'CSIPlugin', name: NAME, endpoint: '/var/lib/kubelet/plugins/fake.sock', supportedVersions: ['1.0.0'] }),
      ],
      [registrationMethods().get('Registration/NotifyRegistrationStatus'), async (status: never) => (registrations.push(status), {})],
    ])
  const drivers = new DriverRegistry(new CsiNode(client, 'n'), new Map())
  void new PluginRegistry(registry, paths, { CSIPlugin: csiPlugins(scope, client, drivers, paths) }).run(scope)
  const objects = new Map<string, unknown>()
  const reported: (readonly string[])[] = []
  const events: string[] = []
  const resized: string[] = []
  const start = (): DriverVolumes => {
    const volumes: DriverVolumes = new DriverVolumes({
      nodeName: 'n',
      rootDir,
      podsDir: join(rootDir, 'pods'),
      drivers,
      objects: {
        driver: async () => objects.get('driver') as storage.CSIDriver | undefined,
        attachment: async () => objects.get('attachment') as storage.VolumeAttachment | undefined,
        secret: async (_, namespace, name) => objects.get(`${namespace}/${name}`) as core.Secret | undefined,
        token: async (_, __, audience) => ({ token: `for ${audience}`, expirationTimestamp: 'then', renewAtMs: 0 }),
        bound: async () => objects.get('bound') as never,
        resized: async (_, __, capacity) => void resized.push(capacity),
      },
      reportInUse: async () => void reported.push(volumes.inUse),
      record: (_, type, reason) => void events.push(`${type} ${reason}`),
    })
    return volumes
  }
  const left = (): readonly string[] =>
    readdirSync(rootDir, { recursive: true })
      .map(String)
      .filter((path) => /vol_data|globalmount|\/mount$|publish\//.test(path))
  return { scope, client, state, drivers, objects, register, registrations, start, left, reported, events, resized, rootDir }
}

const podOf = (uid: string): core.Pod => ({
  metadata: { uid, name: uid, namespace: 'n' },
  spec: { containers: [], serviceAccountName: 'sa' },
})
const bound = (spec: Partial<core.PersistentVolumeSpec> = {}): core.PersistentVolume => ({
  metadata: { name: 'pv' },
  spec: { accessModes: ['ReadWriteOnce'], claimRef: { name: 'c' }, csi: { driver: NAME, volumeHandle: 'vol', fsType: 'ext4' }, ...spec },
})
const useOf = (uid: string, spec?: Partial<core.PersistentVolumeSpec>) =>
  useOfClaim(podOf(uid), { name: 'v', persistentVolumeClaim: { claimName: 'c' } }, bound(spec)) ?? assert.fail('no use')
const NO_ATTACH: storage.CSIDriver = { spec: { attachRequired: false, fsGroupPolicy: 'File' } }

describe('CSI drivers', () => {
  it('register by a socket and are told of in CSINode and Node, until the socket goes', async (t) => {
    const { scope, client, register, registrations, drivers } = await world(t)
    const life = scope.child()
    await register(life)
    await eventually('it is registered', () => registrations.length > 0)
    assert.deepEqual((await client.resource(refs.csinodes).get(scope, { name: 'n' })).spec.drivers, [
      { name: NAME, nodeID: 'node-id', topologyKeys: ['example.com/rack'], allocatable: { count: 7 } },
    ])
    const { metadata } = await client.resource(refs.nodes).get(scope, { name: 'n' })
    assert.equal(metadata?.labels?.['example.com/rack'], 'r1')
    assert.equal(metadata?.annotations?.['csi.volume.kubernetes.io/nodeid'], `{"${NAME}":"node-id"}`)
    assert.notEqual(drivers.get(NAME), undefined)
    life.cancel()
    await eventually('it is told of no more', async () => {
      const { spec } = await client.resource(refs.csinodes).get(scope, { name: 'n' })
      return spec.drivers.length === 0
    })
    assert.throws(() => drivers.get(NAME), /not found in the list of registered CSI drivers/)
  })

  it('stage a volume once, publish it for each pod, and take all back with the last', async (t) => {
    const { scope, state, start, register, registrations, objects, left } = await world(t)
    await register(scope)
    await eventually('it is registered', () => registrations.length > 0)
    objects.set('driver', NO_ATTACH)
    const volumes = start()
    await volumes.mount(scope, useOf('one'))
    await volumes.mount(scope, useOf('two'))
    assert.deepEqual([state.staged.size, state.published.size], [1, 2])
    const [asked] = state.published.values()
    assert.deepEqual([asked?.volumeCapability?.mount?.fsType, asked?.volumeCapability?.accessMode?.mode], ['ext4', 7])
    assert.match(asked?.targetPath ?? '', /^\/var\/lib\/kubelet\/pods\/one\/volumes\/kubernetes\.io~csi\/pv\/mount$/)
    await volumes.release(scope, 'one')
    assert.deepEqual([state.staged.size, state.published.size], [1, 1])
    await volumes.release(scope, 'two')
    await volumes.release(scope, 'two')
    assert.deepEqual([state.staged.size, state.published.size, left()], [0, 0, []])
  })

  it('lose nothing when the agent is killed between staging and publishing', async (t) => {
    const { scope, state, start, register, registrations, objects, left } = await world(t)
    await register(scope)
    await eventually('it is registered', () => registrations.length > 0)
    objects.set('driver', NO_ATTACH)
    state.failPublish = true
    await assert.rejects(start().mount(scope, useOf('one')))
    assert.equal(state.staged.size, 1)
    // The pod is still wanted: what was staged stays. Then it has gone while nobody looked.
    const again = start()
    await again.recover()
    await again.release(scope, 'one')
    assert.deepEqual([state.staged.size, left()], [0, []])
    // The pod's directory went, and the agent was killed before it unstaged.
    state.failPublish = false
    await start().mount(scope, useOf('two'))
    rmSync(join(again.pathOf(useOf('two')), '..'), { recursive: true })
    state.published.clear()
    const last = start()
    void last.run(scope)
    await eventually('it is unstaged', () => state.staged.size === 0 && left().length === 0)
  })

  it('are called once the volume is attached, which the Node says before it is used and no more after', async (t) => {
    const { scope, state, start, register, registrations, objects, reported } = await world(t)
    await register(scope)
    await eventually('it is registered', () => registrations.length > 0)
    const volumes = start()
    await assert.rejects(volumes.mount(scope, useOf('one')), /has not been attached/)
    objects.set('attachment', { spec: {}, status: { attached: true, attachmentMetadata: { lun: '3' } } })
    await volumes.mount(scope, useOf('one'))
    assert.deepEqual([...state.published.values()][0]?.publishContext, { lun: '3' })
    assert.deepEqual(reported, [[`kubernetes.io/csi/${NAME}^vol`]])
    const restarted = start()
    await restarted.recover()
    assert.deepEqual(restarted.inUse, [`kubernetes.io/csi/${NAME}^vol`])
    await restarted.release(scope, 'one')
    assert.deepEqual(reported.at(-1), [])
  })

  it('are asked again for their limit as often as their object says, and at once when the attacher has reached it', async (t) => {
    const { scope, client, state, start, register, registrations, objects } = await world(t)
    const limit = async (): Promise<number | undefined> =>
      (await client.resource(refs.csinodes).get(scope, { name: 'n' })).spec.drivers[0]?.allocatable?.count
    await register(scope)
    await eventually('it is registered', () => registrations.length > 0)
    state.most = 6n
    const driver = { metadata: { name: NAME }, spec: { nodeAllocatableUpdatePeriodSeconds: 1 } }
    const created = await client.resource(refs.csidrivers).create(scope, driver)
    await eventually('the API knows', async () => (await limit()) === 6)
    await client.resource(refs.csidrivers).update(scope, { ...created, spec: { nodeAllocatableUpdatePeriodSeconds: 1000 } })
    state.most = 5n
    const attachError = { message: 'no more', errorCode: 8 }
    objects.set('attachment', { spec: {}, status: { attached: false, attachError } })
    await assert.rejects(start().mount(scope, useOf('one')), /has not been attached to the node yet: no more/)
    objects.set('driver', driver)
    await assert.rejects(start().mount(scope, useOf('one')), { reason: 'VolumeAttachmentLimitExceeded', message: /: no more$/ })
    assert.equal(await limit(), 5)
  })

  it('get what their object asks for: the pod, tokens, secrets', async (t) => {
    const { scope, state, start, register, registrations, objects } = await world(t, [])
    await register(scope)
    await eventually('it is registered', () => registrations.length > 0)
    objects.set('n/key', { data: { password: Buffer.from('word').toString('base64') } })
    const inline = useOfInline(podOf('one'), {
      name: 'v',
      csi: { driver: NAME, nodePublishSecretRef: { name: 'key' }, volumeAttributes: { size: '1' } },
    })
    assert.ok(inline)
    const volumes = start()
    await assert.rejects(volumes.mount(scope, inline), /no CSIDriver object/)
    objects.set('driver', NO_ATTACH)
    await assert.rejects(volumes.mount(scope, inline), /only supports \["Persistent"\]/)
    objects.set('driver', { spec: { volumeLifecycleModes: ['Ephemeral'], podInfoOnMount: true, tokenRequests: [{ audience: 'vault' }] } })
    await volumes.mount(scope, inline)
    const [asked] = state.published.values()
    assert.deepEqual([asked?.secrets, asked?.stagingTargetPath, state.staging], [{ password: 'word' }, '', 0])
    assert.deepEqual(asked?.volumeContext, {
      size: '1',
      'csi.storage.k8s.io/pod.name': 'one',
      'csi.storage.k8s.io/pod.namespace': 'n',
      'csi.storage.k8s.io/pod.uid': 'one',
      'csi.storage.k8s.io/serviceAccount.name': 'sa',
      'csi.storage.k8s.io/ephemeral': 'true',
      'csi.storage.k8s.io/serviceAccount.tokens': '{"vault":{"token":"for vault","expirationTimestamp":"then"}}',
    })
    await volumes.release(scope, 'one')
    assert.equal(state.published.size, 0)
  })

  it('grow what the controller has made larger, and show devices', async (t) => {
    const { scope, state, start, register, registrations, objects, events, resized, left } = await world(t)
    await register(scope)
    await eventually('it is registered', () => registrations.length > 0)
    objects.set('driver', NO_ATTACH)
    const volume = { spec: { capacity: { storage: '2Gi' } } }
    objects.set('bound', { volume, claim: { status: { capacity: { storage: '1Gi' } } } })
    const volumes = start()
    await volumes.mount(scope, useOf('one', { volumeMode: 'Block', accessModes: ['ReadWriteOncePod'] }))
    const [asked] = state.published.values()
    assert.deepEqual([asked?.volumeCapability?.mount, asked?.volumeCapability?.accessMode?.mode], [undefined, 6])
    assert.match(asked?.targetPath ?? '', /volumeDevices\/publish\/pv\/one$/)
    assert.deepEqual([state.grown, resized, events], [2n ** 31n, ['2Gi'], ['Normal FileSystemResizeSuccessful']])
    await volumes.release(scope, 'one')
    assert.deepEqual(left(), [])
  })

  it('that forget to take a directory away lose no data in it', async (t) => {
    const { scope, state, start, register, registrations, objects } = await world(t)
    await register(scope)
    await eventually('it is registered', () => registrations.length > 0)
    objects.set('driver', NO_ATTACH)
    const volumes = start()
    await volumes.mount(scope, useOf('one'))
    const entry = join(volumes.pathOf(useOf('one')), '..')
    state.published.clear()
    writeFileSync(join(entry, 'word'), 'kept')
    await assert.rejects(volumes.release(scope, 'one'), /ENOTEMPTY/)
    assert.ok(existsSync(join(entry, 'word')))
  })
})
