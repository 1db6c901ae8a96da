import { rfc3339 } from '#base'
import type { core } from '#api'
import { LOCAL_DRIVER } from './node-storage.ts'
import { handleOf, quantityOf } from './plan-provision.ts'
import { GROUP, type VolumeSnapshot, type VolumeSnapshotClass, type VolumeSnapshotContent } from './snapshot-kinds.ts'

export const SNAPSHOT_FINALIZER = 'snapshot.storage.kubernetes.io/volumesnapshot-bound-protection'
export const CONTENT_FINALIZER = 'snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection'
const DEFAULT_CLASS = 'snapshot.storage.kubernetes.io/is-default-class'

/** The names that snapshot controllers agree on, so that two of them make one content. */
export const contentNameOf = ({ metadata }: VolumeSnapshot): string => `snapcontent-${metadata?.uid ?? ''}`
/** As the node has it. */
export const snapshotIdOf = ({ metadata, spec }: VolumeSnapshotContent): string =>
  `snapshot-${spec.volumeSnapshotRef.uid ?? metadata?.uid ?? ''}`

/** A snapshot lies on one node: its handle says on which. */
export const snapshotHandle = (node: string, id: string): string => `${node}/${id}`
export function placeOfSnapshot(handle: string): { readonly node: string; readonly id: string } {
  const slash = handle.indexOf('/')
  return { node: handle.slice(0, slash), id: handle.slice(slash + 1) }
}

/** The class that a snapshot names, or the default one for this driver; undefined when that cannot be said. */
export function classFor(snapshot: VolumeSnapshot, classes: readonly VolumeSnapshotClass[]): VolumeSnapshotClass | undefined {
  const named = snapshot.spec.volumeSnapshotClassName
  if (named !== undefined && named !== '') return classes.find(({ metadata }) => metadata?.name === named)
  const possible = classes.filter(({ driver, metadata }) => driver === LOCAL_DRIVER && metadata?.annotations?.[DEFAULT_CLASS] === 'true')
  return possible.length === 1 ? possible[0] : undefined
}

export function contentFor(snapshot: VolumeSnapshot, by: VolumeSnapshotClass, volume: core.PersistentVolume): VolumeSnapshotContent {
  const { namespace, name, uid } = snapshot.metadata ?? {}
  const optional = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
  }
  return {
    metadata: { name: contentNameOf(snapshot), finalizers: [CONTENT_FINALIZER] },
    spec: {
      deletionPolicy: by.deletionPolicy,
      driver: LOCAL_DRIVER,
      source: { volumeHandle: handleOf(volume) },
      sourceVolumeMode: volume.spec?.volumeMode ?? 'Filesystem',
      volumeSnapshotClassName: by.metadata?.name ?? '',
      volumeSnapshotRef: { apiVersion: `${GROUP.group}/${GROUP.version}`, kind: 'VolumeSnapshot', ...optional },
    },
  }
}

/** What a snapshot shows of its content. */
export function statusFrom({ metadata, status }: VolumeSnapshotContent): NonNullable<VolumeSnapshot['status']> {
  return {
    boundVolumeSnapshotContentName: metadata?.name ?? '',
    readyToUse: status?.readyToUse === true,
    ...(status?.creationTime === undefined ? {} : { creationTime: rfc3339(Math.floor(status.creationTime / 1e6)) }),
    ...(status?.restoreSize === undefined ? {} : { restoreSize: quantityOf(status.restoreSize) }),
    ...(status?.error === undefined ? {} : { error: status.error }),
  }
}
