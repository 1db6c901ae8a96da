import { type Scope, messageOf } from '#base'
import { type core, isAlreadyExists, isConflict, isNodeReady, refs, type storage } from '#api'
import { type ControllerContext, type ControllerDefinition, type Reconcile, type Result, after, done } from '#reconcile'
import { LOCAL_DRIVER, type NodeStorage, isFinal, lacksRoom, nodeStorage } from './node-storage.ts'
import { SELECTED_NODE, isWanted, volumeFor, volumeNameOf, wishOf } from './plan-provision.ts'
import { type Source, sourceOfClaim } from './source.ts'

/** A claim that cannot be served is looked at again after this long: disks get room, nodes come back. */
const AGAIN_MS = 15_000

/** Makes volumes on nodes' disks for claims that ask for them, where the pod that is to use them first has been placed. */
export const localProvisioner: ControllerDefinition = { name: 'local-volume-provisioner', eventSource: LOCAL_DRIVER, setup }

function setup(context: ControllerContext): Reconcile {
  const { client, events, informers } = context
  const storage = nodeStorage(client)
  const claims = context.watch(refs.persistentvolumeclaims, ({ key, now }) => (now !== undefined && isWanted(now) ? [key] : []))
  const volumes = informers.informer(refs.persistentvolumes)
  const nodes = informers.informer(refs.nodes)
  const classes = informers.informer(refs.storageclasses)
  const drivers = informers.informer(refs.csinodes)

  return async (scope, key) => {
    const claim = claims.get(key)
    if (claim === undefined || !isWanted(claim) || volumes.get(volumeNameOf(claim)) !== undefined) return done
    const storageClass = classes.get(claim.spec?.storageClassName ?? '')
    if (storageClass?.provisioner !== LOCAL_DRIVER) return done
    const fail = (why: string): Result => {
      const message = `failed to provision volume with StorageClass "${storageClass.metadata?.name ?? ''}": ${why}`
      events.event(claim, 'Warning', 'ProvisioningFailed', message)
      return after(AGAIN_MS)
    }
    const source = await sourceOfClaim(scope, client, claim)
    if (source !== undefined && 'problem' in source) return fail(source.problem)
    const wish = wishOf(claim, storageClass, source?.of)
    if ('problem' in wish) return fail(wish.problem)
    const node = placeOf(claim, storageClass, source)
    if (node === undefined) return done
    if (node === 'none') return fail('no node that is ready has volumes of its own')
    const stored = nodes.get(node)
    if (stored === undefined || !isNodeReady(stored)) {
      await placeAnew(scope, claim, source)
      return fail(`node ${node} is ${stored === undefined ? 'gone' : 'not ready'}`)
    }
    events.event(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${key}"`)
    try {
      await provision(scope, storage, claim, storageClass, stored, wish)
    } catch (error) {
      scope.check()
      if (lacksRoom(error)) await placeAnew(scope, claim, source)
      if (lacksRoom(error) || isFinal(error)) return fail(messageOf(error))
      fail(messageOf(error))
      throw error
    }
    return done
  }

  /** Undefined: nobody has said yet. */
  function placeOf(
    claim: core.PersistentVolumeClaim,
    { volumeBindingMode }: storage.StorageClass,
    source: Source | undefined,
  ): string | undefined {
    // A copy is made where the original is; its pod follows.
    if (source !== undefined) return source.node
    const selected = claim.metadata?.annotations?.[SELECTED_NODE]
    if (selected !== undefined) return selected
    if (volumeBindingMode === 'WaitForFirstConsumer') return undefined
    const possible = nodes.list().filter((node) => isNodeReady(node) && node.spec?.unschedulable !== true)
    const able = possible.find((node) => drivers.get(node.metadata?.name ?? '')?.spec.drivers.some(({ name }) => name === LOCAL_DRIVER))
    return able?.metadata?.name ?? 'none'
  }

  /** Has the scheduler choose another node. */
  async function placeAnew(scope: Scope, claim: core.PersistentVolumeClaim, source: Source | undefined): Promise<void> {
    if (source !== undefined || claim.metadata?.annotations?.[SELECTED_NODE] === undefined) return
    const { namespace, name = '', resourceVersion } = claim.metadata
    const body = { metadata: { resourceVersion, annotations: { [SELECTED_NODE]: null } } }
    await client
      .resource(refs.persistentvolumeclaims)
      .patch(scope, { namespace, name }, { type: 'merge', body })
      .catch((error: unknown) => {
        if (!isConflict(error)) throw error
      })
  }

  /** On the node first: a volume that the API does not know of is found there when its claim has gone. */
  async function provision(
    scope: Scope,
    on: NodeStorage,
    claim: core.PersistentVolumeClaim,
    storageClass: storage.StorageClass,
    node: core.Node,
    wish: Parameters<NodeStorage['makeVolume']>[3],
  ): Promise<void> {
    const nodeName = node.metadata?.name ?? ''
    const made = await on.makeVolume(scope, nodeName, volumeNameOf(claim), wish)
    try {
      await client.resource(refs.persistentvolumes).create(scope, volumeFor(claim, storageClass, node, made))
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
    await on.keepVolume(scope, nodeName, made.id)
    events.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${made.id}`)
  }
}
