import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { rootScope } from '#base'
import { StatusError, type core, refs, type storage } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { createFakeApi, eventually } from '#testing'
import { localDeleter, localProvisioner, localResizer, localSnapshotter, localStockKeeper } from './index.ts'
import type { NodeSnapshot, NodeVolume, VolumeWish } from './node-storage.ts'
import { LOCAL_DRIVER } from './node-storage.ts'
import { contents, snapshotClasses, snapshots } from './snapshot-kinds.ts'
import { FINALIZER, PROVISIONER, SELECTED_NODE, planDeletion, wishOf } from './plan-provision.ts'

type Claim = core.PersistentVolumeClaim
const GIB = 2 ** 30
const classOf = (more: Partial<storage.StorageClass> = {}): storage.StorageClass => ({
  metadata: { name: 'standard' },
  provisioner: LOCAL_DRIVER,
  volumeBindingMode: 'WaitForFirstConsumer',
  ...more,
})
const claimOf = (name: string, spec: Partial<core.PersistentVolumeClaimSpec> = {}, node?: string): Claim => ({
  metadata: {
    name,
    namespace: 'n',
    annotations: { [PROVISIONER]: LOCAL_DRIVER, ...(node === undefined ? {} : { [SELECTED_NODE]: node }) },
  },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', resources: { requests: { storage: '1Gi' } }, ...spec },
})

/** An API in memory, with the agents of some nodes behind it that do what is asked and have so much room. */
async function world(t: TestContext, rooms: Readonly<Record<string, number>>) {
  const scope = rootScope()
  const api = createFakeApi()
  const stocks = new Map(
    Object.entries(rooms).map(([name, freeBytes]) => [
      name,
      { freeBytes, volumes: new Map<string, NodeVolume>(), snapshots: new Map<string, NodeSnapshot>() },
    ]),
  )
  const plain = createClient({ transport: inProcessTransport(api.handler) })
  const client = {
    ...plain,
    raw: async (_: unknown, { method, path, body }: { method: string; path: string; body?: Uint8Array | string }) => {
      const [, , , , name = '', , , collection, id = '', operation] = path.split('/')
      const stock = stocks.get(name) ?? assert.fail(`no node ${name}`)
      const asked = JSON.parse(String(body ?? '{}')) as VolumeWish
      const there = stock.volumes.get(id)
      const refuse = (code: number, reason: string): never => {
        throw new StatusError({ code, reason, message: reason })
      }
      const answer = (): unknown => {
        if (id === '') return { freeBytes: stock.freeBytes, volumes: [...stock.volumes.values()], snapshots: [...stock.snapshots.values()] }
        if (collection === 'snapshots') {
          if (method === 'DELETE') return stock.snapshots.delete(id)
          stock.snapshots.set(id, {
            id,
            volume: (asked as unknown as { volume: string }).volume,
            sizeBytes: GIB,
            madeAtMs: 1_800_000_000_000,
          })
          return stock.snapshots.get(id)
        }
        if (method === 'DELETE') return stock.volumes.delete(id)
        if (operation === 'keep') return stock.volumes.set(id, { ...(there ?? refuse(404, 'NotFound')), kept: true })
        const more = asked.sizeBytes - (there?.sizeBytes ?? 0)
        if (more > stock.freeBytes) refuse(507, 'InsufficientStorage')
        stock.freeBytes -= more
        const volume = { id, sizeBytes: asked.sizeBytes, kind: 'image' as const, fsType: 'xfs', kept: false, owner: asked.owner, ...there }
        stock.volumes.set(id, { ...volume, sizeBytes: asked.sizeBytes })
        return stock.volumes.get(id)
      }
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(answer())) }
    },
  }
  for (const name of Object.keys(rooms)) {
    const status = { conditions: [{ type: 'Ready', status: 'True' }] }
    await plain.resource(refs.nodes).create(scope, { metadata: { name, labels: { 'kubernetes.io/hostname': `host-${name}` } }, status })
    const drivers = [{ name: LOCAL_DRIVER, nodeID: name }]
    await plain.resource(refs.csinodes).create(scope, { metadata: { name }, spec: { drivers } })
  }
  await plain.resource(refs.storageclasses).create(scope, classOf())
  const definitions = [localProvisioner, localDeleter, localResizer, localSnapshotter, localStockKeeper]
  await runControllers(scope, definitions, { client, informers: createInformers(client), events: createEvents(scope, client) })
  t.after(() => scope.cancel())
  return {
    scope,
    client: plain,
    stocks,
    claims: plain.resource(refs.persistentvolumeclaims),
    volumes: () => api.objects('persistentvolumes') as core.PersistentVolume[],
    events: () => (api.objects('events') as core.Event[]).map(({ reason, message }) => `${reason ?? ''}: ${message ?? ''}`),
    capacities: () => api.objects('csistoragecapacities') as storage.CSIStorageCapacity[],
  }
}

describe("claims on the nodes' own disks", () => {
  it('get a volume on the node that was chosen, which goes when it is released', async (t) => {
    const { scope, client, claims, stocks, volumes } = await world(t, { a: 10 * GIB, b: 10 * GIB })
    await claims.create(scope, claimOf('waits'))
    const claim = await claims.create(scope, claimOf('c', {}, 'b'))
    const volume = await eventually('there is a volume', () => volumes()[0])
    assert.equal(volume.metadata?.name, `pvc-${claim.metadata?.uid ?? ''}`)
    assert.deepEqual(volume.spec?.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values, ['host-b'])
    assert.deepEqual([volume.spec?.capacity, volume.spec?.persistentVolumeReclaimPolicy], [{ storage: '1Gi' }, 'Delete'])
    await eventually('the node keeps it', () => [...(stocks.get('b')?.volumes.values() ?? [])][0]?.kept)
    assert.equal(stocks.get('a')?.volumes.size, 0)
    await client.resource(refs.persistentvolumes).update(scope, { ...volume, status: { phase: 'Released' } }, { subresource: 'status' })
    await eventually('it is gone', () => volumes().length === 0 && stocks.get('b')?.volumes.size === 0)
  })

  it('are placed anew when their node has no room, or is gone, and it is said why', async (t) => {
    const { scope, claims, events, capacities } = await world(t, { full: GIB / 2 })
    for (const [name, node] of [
      ['big', 'full'],
      ['lost', 'gone'],
    ] as const) {
      await claims.create(scope, claimOf(name, {}, node))
      await eventually(`${name} is placed anew`, async () => {
        const { metadata } = await claims.get(scope, { namespace: 'n', name })
        return metadata?.annotations?.[SELECTED_NODE] === undefined
      })
    }
    await eventually('it is said why', () => events().some((text) => /ProvisioningFailed.*InsufficientStorage/.test(text)))
    await eventually('it is said why', () => events().some((text) => /ProvisioningFailed.*node gone is gone/.test(text)))
    await eventually('the scheduler knows', () => capacities()[0]?.capacity === '512Mi')
  })

  it('grow, or hear why they cannot', async (t) => {
    const { scope, claims, volumes, events } = await world(t, { a: 4 * GIB })
    const claim = await claims.create(scope, claimOf('c', {}, 'a'))
    const volume = await eventually('there is a volume', () => volumes()[0])
    const ask = async (storage: string): Promise<void> => {
      const now = await claims.get(scope, { namespace: 'n', name: 'c' })
      const spec = { ...now.spec, volumeName: volume.metadata?.name, resources: { requests: { storage } } }
      const grown = await claims.update(scope, { ...now, spec })
      const status = { capacity: { storage: '1Gi' }, ...now.status, phase: 'Bound' }
      await claims.update(scope, { ...grown, status }, { subresource: 'status' })
    }
    const status = async (): Promise<core.PersistentVolumeClaimStatus> =>
      (await claims.get(scope, { namespace: 'n', name: claim.metadata?.name ?? '' })).status ?? {}
    await ask('3Gi')
    await eventually('it has grown', async () => (await status()).capacity?.['storage'] === '3Gi')
    assert.deepEqual([(await status()).conditions, volumes()[0]?.spec?.capacity?.['storage']], [[], '3Gi'])
    await ask('30Gi')
    await eventually(
      'it is infeasible',
      async () => (await status()).allocatedResourceStatuses?.['storage'] === 'ControllerResizeInfeasible',
    )
    await eventually('it is said why', () => events().some((text) => text.includes('VolumeResizeFailed')))
    assert.equal((await status()).capacity?.['storage'], '3Gi')
  })

  it('are kept as they were by snapshots, from which others start on the same node', async (t) => {
    const { scope, client, claims, stocks, volumes } = await world(t, { a: 4 * GIB, b: 4 * GIB })
    const claim = await claims.create(scope, claimOf('c', {}, 'b'))
    const volume = await eventually('there is a volume', () => volumes()[0])
    await claims.update(scope, { ...claim, spec: { ...claim.spec, volumeName: volume.metadata?.name } })
    const api = client.resource(snapshots)
    const wanted = { metadata: { namespace: 'n', name: 's' }, spec: { source: { persistentVolumeClaimName: 'c' } } }
    await api.create(scope, wanted)
    const annotations = { 'snapshot.storage.kubernetes.io/is-default-class': 'true' }
    await client
      .resource(snapshotClasses)
      .create(scope, { metadata: { name: 'x', annotations }, driver: LOCAL_DRIVER, deletionPolicy: 'Delete' })
    // The kinds come after the controller, and after what is of them.
    for (const { plural, group } of [snapshots, contents, snapshotClasses]) {
      const crd = { metadata: { name: `${plural}.${group}` }, spec: {}, status: { conditions: [{ type: 'Established', status: 'True' }] } }
      await client.resource(refs.customresourcedefinitions).create(scope, crd as never)
    }
    const taken = await eventually('it is taken', async () => {
      const found = await api.get(scope, { namespace: 'n', name: 's' })
      return found.status?.readyToUse === true && found
    })
    assert.deepEqual([taken.status?.restoreSize, taken.status?.creationTime], ['1Gi', '2027-01-15T08:00:00Z'])
    assert.equal(stocks.get('b')?.snapshots.size, 1)
    const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' }
    await claims.create(scope, claimOf('copy', { dataSource }, 'a'))
    const copy = await eventually('there is a copy', () => volumes()[1])
    assert.equal(copy.spec?.csi?.volumeAttributes?.['node'], 'b')
    await api.delete(scope, { namespace: 'n', name: 's' })
    await eventually('it is gone', async () => {
      const left = await client.resource(contents).list(scope)
      return left.items.length === 0 && (await api.list(scope)).items.length === 0 && stocks.get('b')?.snapshots.size === 0
    })
  })

  it('leave nothing on a node when they go before they have a volume', async (t) => {
    const { scope, client, claims, stocks, volumes } = await world(t, { a: 4 * GIB })
    const owner = { namespace: 'n', name: 'gone', uid: 'gone' }
    const lost = { id: 'pvc-gone', sizeBytes: GIB, kind: 'image' as const, kept: false, owner }
    stocks.get('a')?.volumes.set(lost.id, lost)
    stocks.get('a')?.volumes.set('pvc-kept', { ...lost, id: 'pvc-kept', kept: true })
    // Whatever has the node looked at: here that another volume comes.
    await claims.create(scope, claimOf('c', {}, 'a'))
    await eventually('there is a volume', () => volumes()[0])
    await eventually('what nobody knows is gone', () => stocks.get('a')?.volumes.has(lost.id) === false)
    assert.equal(stocks.get('a')?.volumes.has('pvc-kept'), true)
    assert.equal((await client.resource(refs.persistentvolumes).list(scope)).items.length, 1)
  })
})

describe('plans for volumes', () => {
  const problem = (claim: Claim, parameters?: Record<string, string>): string | undefined => {
    const wish = wishOf(claim, classOf(parameters === undefined ? {} : { parameters }), undefined)
    return 'problem' in wish ? wish.problem : undefined
  }
  it('refuse by name what a disk of one node cannot be', () => {
    assert.equal(problem(claimOf('c')), undefined)
    assert.equal(problem(claimOf('c', { accessModes: ['ReadWriteOncePod'] }), { type: 'directory' }), undefined)
    assert.match(problem(claimOf('c', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] })) ?? '', /ReadWriteMany/)
    assert.match(problem(claimOf('c'), { speed: 'high' }) ?? '', /speed/)
    assert.match(problem(claimOf('c', { volumeMode: 'Block' }), { type: 'directory' }) ?? '', /block device/)
  })

  it('delete data only when nobody wants it', () => {
    const volume = (phase: string, policy: string, leaving = false): core.PersistentVolume => ({
      metadata: { name: 'v', finalizers: [FINALIZER], ...(leaving ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
      spec: { persistentVolumeReclaimPolicy: policy },
      status: { phase },
    })
    const node = { metadata: { name: 'a' } }
    assert.equal(planDeletion(volume('Bound', 'Delete', true), node), 'nothing')
    assert.equal(planDeletion(volume('Released', 'Delete'), node), 'delete-data')
    assert.equal(planDeletion(volume('Released', 'Delete'), undefined), 'delete-data')
    assert.equal(planDeletion(volume('Released', 'Delete', true), undefined), 'let-go')
    assert.equal(planDeletion(volume('Released', 'Retain'), node), 'nothing')
    assert.equal(planDeletion(volume('Released', 'Retain', true), node), 'let-go')
    assert.equal(planDeletion(volume('Available', 'Delete', true), node), 'delete-data')
    assert.equal(planDeletion(volume('Available', 'Delete'), node), 'nothing')
  })
})
