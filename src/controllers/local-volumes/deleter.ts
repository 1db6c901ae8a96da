import { type Scope, messageOf } from '#base'
import { type core, isNotFound, refs } from '#api'
import { type ControllerContext, type ControllerDefinition, type Reconcile, after, done } from '#reconcile'
import { LOCAL_DRIVER, isInUse, nodeStorage } from './node-storage.ts'
import { FINALIZER, handleOf, isOurs, nodeOfVolume, planDeletion } from './plan-provision.ts'

/** A pod of the node has it still: it is about to let go. */
const IN_USE_MS = 1000
const NODE_GONE_MS = 300_000

/** Deletes what lies on a node's disk when its volume has been released, and then the volume. */
export const localDeleter: ControllerDefinition = { name: 'local-volume-deleter', eventSource: LOCAL_DRIVER, setup }

function setup(context: ControllerContext): Reconcile {
  const { client, events, informers } = context
  const storage = nodeStorage(client)
  const api = client.resource(refs.persistentvolumes)
  const volumes = context.watch(refs.persistentvolumes, ({ key, now }) => (now !== undefined && isOurs(now) ? [key] : []))
  const nodes = informers.informer(refs.nodes)

  async function letGo(scope: Scope, volume: core.PersistentVolume): Promise<void> {
    const { finalizers = [], deletionTimestamp } = volume.metadata ?? {}
    const name = volume.metadata?.name ?? ''
    const { uid = '' } = volume.metadata ?? {}
    if (deletionTimestamp === undefined) {
      await api.delete(scope, { name }, { preconditions: { uid } }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
      // It comes by again, on its way out.
      return
    }
    if (!finalizers.includes(FINALIZER)) return
    await api.update(scope, { ...volume, metadata: { ...volume.metadata, finalizers: finalizers.filter((one) => one !== FINALIZER) } })
  }

  return async (scope, key) => {
    const volume = volumes.get(key)
    if (volume === undefined || !isOurs(volume)) return done
    const nodeName = nodeOfVolume(volume)
    const node = nodes.get(nodeName)
    switch (planDeletion(volume, node)) {
      case 'nothing':
        return done
      case 'let-go':
        await letGo(scope, volume)
        return done
      case 'delete-data': {
        if (node === undefined) {
          const message = `node ${nodeName}, which has the volume's data, is not there. If it will not come back, delete the volume: kubectl delete pv ${key}`
          events.event(volume, 'Warning', 'VolumeFailedDelete', message)
          return after(NODE_GONE_MS)
        }
        try {
          await storage.deleteVolume(scope, nodeName, handleOf(volume))
        } catch (error) {
          scope.check()
          if (isInUse(error)) return after(IN_USE_MS)
          events.event(volume, 'Warning', 'VolumeFailedDelete', messageOf(error))
          throw error
        }
        await letGo(scope, volume)
        return done
      }
    }
  }
}
