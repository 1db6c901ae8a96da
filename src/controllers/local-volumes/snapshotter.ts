import { type Scope, messageOf, rfc3339 } from '#base'
import { isAlreadyExists, isNotFound, refs } from '#api'
import {
  type ControllerContext,
  type ControllerDefinition,
  type Informers,
  type Reconcile,
  type Result,
  after,
  createInformers,
  done,
  sameOnWire,
} from '#reconcile'
import { LOCAL_DRIVER, isFinal, lacksRoom, nodeStorage } from './node-storage.ts'
import { handleOf, isOurs, nodeOfVolume } from './plan-provision.ts'
import {
  CONTENT_FINALIZER,
  SNAPSHOT_FINALIZER,
  classFor,
  contentFor,
  contentNameOf,
  placeOfSnapshot,
  snapshotHandle,
  snapshotIdOf,
  statusFrom,
} from './plan-snapshot.ts'
import { type VolumeSnapshot, type VolumeSnapshotContent, contents, snapshotClasses, snapshots } from './snapshot-kinds.ts'

const AGAIN_MS = 15_000
const SNAPSHOT = 'snapshot '
const CONTENT = 'content '
const NEEDED: readonly string[] = [snapshots, contents, snapshotClasses].map(({ plural, group }) => `${plural}.${group}`)

/** Takes, shows and deletes snapshots of the nodes' own volumes, in clusters that have the kinds for them. */
export const localSnapshotter: ControllerDefinition = { name: 'local-volume-snapshotter', eventSource: LOCAL_DRIVER, setup }

function setup(context: ControllerContext): Reconcile {
  const { client, events } = context
  const onNode = nodeStorage(client)
  const volumes = context.informers.informer(refs.persistentvolumes)
  const claims = context.informers.informer(refs.persistentvolumeclaims)
  const nodes = context.informers.informer(refs.nodes)
  const own: Informers = createInformers(client)
  const [allSnapshots, allContents, classes] = [own.informer(snapshots), own.informer(contents), own.informer(snapshotClasses)]
  allSnapshots.onChange(({ key }) => context.enqueue(`${SNAPSHOT}${key}`))
  classes.onChange(() => {
    for (const { metadata } of allSnapshots.list()) context.enqueue(`${SNAPSHOT}${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`)
  })
  allContents.onChange(({ key, now, old }) => {
    context.enqueue(`${CONTENT}${key}`)
    const { namespace = '', name = '' } = (now ?? old)?.spec.volumeSnapshotRef ?? {}
    context.enqueue(`${SNAPSHOT}${namespace}/${name}`)
  })
  // The kinds are custom ones: nothing is listed before they are there.
  let isStarted = false
  const established = new Set<string>()
  context.watch(refs.customresourcedefinitions, ({ key, now }) => {
    if (!NEEDED.includes(key)) return []
    const isServed = now?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true
    if (isServed) established.add(key)
    else established.delete(key)
    if (!isStarted && established.size === NEEDED.length) {
      isStarted = true
      void own
        .start(context.scope)
        .catch((error: unknown) => context.scope.log.warn('snapshots are not followed', { error: messageOf(error) }))
    }
    return []
  })
  const api = { snapshots: client.resource(snapshots), contents: client.resource(contents) }

  async function tellSnapshot(scope: Scope, snapshot: VolumeSnapshot, status: NonNullable<VolumeSnapshot['status']>): Promise<void> {
    if (!sameOnWire(snapshot.status, status)) await api.snapshots.update(scope, { ...snapshot, status }, { subresource: 'status' })
  }

  async function followSnapshot(scope: Scope, snapshot: VolumeSnapshot): Promise<Result> {
    const { finalizers = [], deletionTimestamp, name = '' } = snapshot.metadata ?? {}
    const content = allContents.get(snapshot.status?.boundVolumeSnapshotContentName ?? contentNameOf(snapshot))
    const isMine = content?.spec.driver === LOCAL_DRIVER && content.spec.volumeSnapshotRef.uid === snapshot.metadata?.uid
    if (deletionTimestamp !== undefined) {
      if (!finalizers.includes(SNAPSHOT_FINALIZER)) return done
      if (isMine && content.spec.deletionPolicy === 'Delete' && content.metadata?.deletionTimestamp === undefined)
        await api.contents.delete(scope, { name: content.metadata?.name ?? '' })
      // Other snapshotters hold theirs by the same finalizer.
      if (!isMine && content !== undefined) return done
      await api.snapshots.update(scope, {
        ...snapshot,
        metadata: { ...snapshot.metadata, finalizers: finalizers.filter((one) => one !== SNAPSHOT_FINALIZER) },
      })
      return done
    }
    if (isMine) {
      await tellSnapshot(scope, snapshot, statusFrom(content))
      return done
    }
    const claimName = snapshot.spec.source.persistentVolumeClaimName
    const by = classFor(snapshot, classes.list())
    if (content !== undefined || claimName === undefined || by?.driver !== LOCAL_DRIVER) return done
    const claim = claims.get(`${snapshot.metadata?.namespace ?? ''}/${claimName}`)
    const volume = volumes.get(claim?.spec?.volumeName ?? '')
    if (claim === undefined || volume === undefined || !isOurs(volume) || volume.spec?.claimRef?.uid !== claim.metadata?.uid) {
      const message = `Failed to create snapshot content with error snapshot ${name}: claim ${claimName} has no volume of ${LOCAL_DRIVER}`
      events.event(snapshot, 'Warning', 'SnapshotContentCreationFailed', message)
      return after(AGAIN_MS)
    }
    if (!finalizers.includes(SNAPSHOT_FINALIZER)) {
      await api.snapshots.update(scope, {
        ...snapshot,
        metadata: { ...snapshot.metadata, finalizers: [...finalizers, SNAPSHOT_FINALIZER] },
      })
      // It comes by again with it.
      return done
    }
    events.event(
      snapshot,
      'Normal',
      'CreatingSnapshot',
      `Waiting for a snapshot ${snapshot.metadata?.namespace ?? ''}/${name} to be created by the CSI driver.`,
    )
    await api.contents.create(scope, contentFor(snapshot, by, volume)).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
    return done
  }

  async function followContent(scope: Scope, content: VolumeSnapshotContent): Promise<Result> {
    const { finalizers = [], deletionTimestamp } = content.metadata ?? {}
    if (content.spec.driver !== LOCAL_DRIVER) return done
    if (deletionTimestamp !== undefined) {
      if (!finalizers.includes(CONTENT_FINALIZER)) return done
      const handle = content.status?.snapshotHandle
      if (content.spec.deletionPolicy === 'Delete' && handle !== undefined) {
        const { node, id } = placeOfSnapshot(handle)
        // With its node the data has gone too.
        if (nodes.get(node) !== undefined) await onNode.deleteSnapshot(scope, node, id)
      }
      await api.contents.update(scope, {
        ...content,
        metadata: { ...content.metadata, finalizers: finalizers.filter((one) => one !== CONTENT_FINALIZER) },
      })
      return done
    }
    if (content.status?.readyToUse === true) return done
    const status = await take(scope, content)
    if (sameOnWire(content.status, status)) return after(AGAIN_MS)
    await api.contents.update(scope, { ...content, status }, { subresource: 'status' })
    return status.readyToUse === true ? done : after(AGAIN_MS)
  }

  async function take(scope: Scope, content: VolumeSnapshotContent): Promise<NonNullable<VolumeSnapshotContent['status']>> {
    const { volumeHandle, snapshotHandle: given } = content.spec.source
    if (given !== undefined) {
      const { node, id } = placeOfSnapshot(given)
      const found = (await onNode.stock(scope, node)).snapshots.find((one) => one.id === id)
      if (found === undefined) return refused(scope, content, `node ${node} has no snapshot ${id}`)
      return { snapshotHandle: given, readyToUse: true, restoreSize: found.sizeBytes, creationTime: found.madeAtMs * 1e6 }
    }
    const volume = volumes.list().find((one) => isOurs(one) && handleOf(one) === volumeHandle)
    if (volume === undefined) return refused(scope, content, `there is no volume ${volumeHandle ?? ''}`)
    const node = nodeOfVolume(volume)
    try {
      const made = await onNode.takeSnapshot(scope, node, snapshotIdOf(content), handleOf(volume))
      return {
        snapshotHandle: snapshotHandle(node, made.id),
        readyToUse: true,
        restoreSize: made.sizeBytes,
        creationTime: made.madeAtMs * 1e6,
      }
    } catch (error) {
      scope.check()
      if (!isFinal(error) && !lacksRoom(error)) throw error
      return refused(scope, content, messageOf(error))
    }
  }

  /** The time is that of the first refusal for this reason: telling it again changes nothing. */
  function refused(scope: Scope, { status }: VolumeSnapshotContent, message: string): NonNullable<VolumeSnapshotContent['status']> {
    const time = status?.error?.message === message ? status.error.time : undefined
    return { readyToUse: false, error: { message, time: time ?? rfc3339(scope.clock.now()) } }
  }

  return async (scope, key) => {
    try {
      if (key.startsWith(SNAPSHOT)) {
        const snapshot = allSnapshots.get(key.slice(SNAPSHOT.length))
        return snapshot === undefined ? done : await followSnapshot(scope, snapshot)
      }
      const content = allContents.get(key.slice(CONTENT.length))
      return content === undefined ? done : await followContent(scope, content)
    } catch (error) {
      if (isNotFound(error)) return after(AGAIN_MS)
      throw error
    }
  }
}
