import type { Scope } from '#base'
import { type core, isAlreadyExists, isNodeReady, isNotFound, refs, type storage } from '#api'
import { type ControllerContext, type ControllerDefinition, type Reconcile, after, done, sameOnWire } from '#reconcile'
import { LOCAL_DRIVER, type NodeStock, type NodeVolume, isFinal, nodeStorage } from './node-storage.ts'
import { quantityOf } from './plan-provision.ts'

const NAMESPACE = 'kube-system'
const LOOK_MS = 60_000
/** A node may be ready a little before its own API is served, and is called ready for a while after it has gone: only what lasts is a failure. */
const LATE_MS = 30_000
const ASK_AGAIN_MS = 1000
const MEBIBYTE = 2 ** 20

/**
 * Asks each node with volumes of its own what it has: tells the scheduler how much room is left there, and has the node delete what was made
 * for a claim that has gone before it had its volume.
 */
export const localStockKeeper: ControllerDefinition = { name: 'local-volume-stock', eventSource: LOCAL_DRIVER, setup }

function setup(context: ControllerContext): Reconcile {
  const { client } = context
  const onNode = nodeStorage(client)
  const csiNodes = context.watch(refs.csinodes, ({ key, now }) => (now !== undefined && hasDriver(now) ? [key] : []))
  const nodes = context.watch(refs.nodes, ({ key, old, now }) =>
    now !== undefined && isNodeReady(now) && (old === undefined || !isNodeReady(old)) ? [key] : [],
  )
  const classes = context.watch(refs.storageclasses, () =>
    csiNodes
      .list()
      .filter(hasDriver)
      .map(({ metadata }) => metadata?.name ?? ''),
  )
  const volumes = context.watch(refs.persistentvolumes, ({ old, now }) => {
    const csi = (now ?? old)?.spec?.csi
    return csi?.driver === LOCAL_DRIVER && (now === undefined || old === undefined) ? [csi.volumeAttributes?.['node'] ?? ''] : []
  })

  /** By node: since when it has not answered. */
  const silentSinceMs = new Map<string, number>()

  return async (scope, name) => {
    const [node, csiNode] = [nodes.get(name), csiNodes.get(name)]
    const ours = classes.list().filter(({ provisioner }) => provisioner === LOCAL_DRIVER)
    if (node === undefined || csiNode === undefined || !hasDriver(csiNode) || !isNodeReady(node) || ours.length === 0) {
      silentSinceMs.delete(name)
      return done
    }
    const stock = await stockOf(scope, name)
    if (stock === undefined) return after(ASK_AGAIN_MS)
    for (const volume of stock.volumes) if (!volume.kept) await settle(scope, name, volume)
    for (const one of ours) await tellRoom(scope, node, one, stock.freeBytes)
    return after(LOOK_MS)
  }

  /** Undefined while the node does not answer yet. */
  async function stockOf(scope: Scope, name: string): Promise<NodeStock | undefined> {
    try {
      const stock = await onNode.stock(scope, name)
      silentSinceMs.delete(name)
      return stock
    } catch (error) {
      const now = scope.clock.monotonic()
      const sinceMs = silentSinceMs.get(name) ?? now
      silentSinceMs.set(name, sinceMs)
      if (isFinal(error) || now - sinceMs >= LATE_MS) throw error
      return undefined
    }
  }

  /** It was made, and whoever made it was stopped before the end. */
  async function settle(scope: Scope, node: string, { id, owner }: NodeVolume): Promise<void> {
    if (volumes.get(id) !== undefined) return onNode.keepVolume(scope, node, id)
    const { namespace, name, uid } = owner
    const claim = await unlessMissing(client.resource(refs.persistentvolumeclaims).get(scope, { namespace, name }))
    if (claim?.metadata?.uid === uid) return
    // The caches may be behind: only what the server has counts.
    if ((await unlessMissing(client.resource(refs.persistentvolumes).get(scope, { name: id }))) === undefined)
      await onNode.deleteVolume(scope, node, id)
  }

  async function tellRoom(scope: Scope, node: core.Node, storageClass: storage.StorageClass, freeBytes: number): Promise<void> {
    const capacities = client.resource(refs.csistoragecapacities)
    const nodeName = node.metadata?.name ?? ''
    const hostname = node.metadata?.labels?.['kubernetes.io/hostname'] ?? nodeName
    const wanted: storage.CSIStorageCapacity = {
      metadata: {
        namespace: NAMESPACE,
        name: `${LOCAL_DRIVER}-${storageClass.metadata?.name ?? ''}-${nodeName}`,
        labels: { 'csi.storage.k8s.io/drivername': LOCAL_DRIVER, 'csi.storage.k8s.io/managed-by': 'sampan' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata?.uid ?? '' }],
      },
      storageClassName: storageClass.metadata?.name ?? '',
      nodeTopology: { matchLabels: { 'kubernetes.io/hostname': hostname } },
      capacity: quantityOf(roughly(freeBytes)),
    }
    const name = { namespace: NAMESPACE, name: wanted.metadata?.name ?? '' }
    const there = await unlessMissing(capacities.get(scope, name))
    if (there === undefined)
      return void (await capacities.create(scope, wanted).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error
      }))
    if (there.capacity !== wanted.capacity && !sameOnWire(there.capacity, wanted.capacity))
      await capacities.update(scope, { ...there, capacity: wanted.capacity })
  }
}

/** A sixteenth less or more makes no difference to a decision, and is not worth a write. */
function roughly(bytes: number): number {
  const step = Math.max(2 ** Math.floor(Math.log2(Math.max(bytes, 1))) / 16, MEBIBYTE)
  return Math.floor(bytes / step) * step
}

const hasDriver = ({ spec }: storage.CSINode): boolean => spec.drivers.some(({ name }) => name === LOCAL_DRIVER)

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
