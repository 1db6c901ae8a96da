import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, isNotFound } from '#api'
import type { Client } from '#client'

/** snapshot.storage.k8s.io/v1, as its API reference has it; the fields that are read or written here. */
export interface VolumeSnapshot extends KubeObject {
  readonly spec: {
    readonly source: { readonly persistentVolumeClaimName?: string; readonly volumeSnapshotContentName?: string }
    readonly volumeSnapshotClassName?: string
  }
  readonly status?: {
    readonly boundVolumeSnapshotContentName?: string
    readonly creationTime?: string
    readonly readyToUse?: boolean
    readonly restoreSize?: string
    readonly error?: SnapshotError
  }
}
export interface VolumeSnapshotContent extends KubeObject {
  readonly spec: {
    readonly deletionPolicy: 'Delete' | 'Retain'
    readonly driver: string
    readonly source: { readonly volumeHandle?: string; readonly snapshotHandle?: string }
    readonly sourceVolumeMode?: string
    readonly volumeSnapshotClassName?: string
    readonly volumeSnapshotRef: {
      readonly apiVersion?: string
      readonly kind?: string
      readonly namespace?: string
      readonly name?: string
      readonly uid?: string
    }
  }
  readonly status?: {
    readonly snapshotHandle?: string
    /** Nanoseconds since the epoch. */
    readonly creationTime?: number
    readonly restoreSize?: number
    readonly readyToUse?: boolean
    readonly error?: SnapshotError
  }
}
export interface VolumeSnapshotClass extends KubeObject {
  readonly driver: string
  readonly deletionPolicy: 'Delete' | 'Retain'
}
interface SnapshotError {
  readonly message?: string
  readonly time?: string
}

export const GROUP = { group: 'snapshot.storage.k8s.io', version: 'v1' }
export const snapshots: ResourceRef<VolumeSnapshot> = { ...GROUP, kind: 'VolumeSnapshot', plural: 'volumesnapshots', namespaced: true }
export const contents: ResourceRef<VolumeSnapshotContent> = {
  ...GROUP,
  kind: 'VolumeSnapshotContent',
  plural: 'volumesnapshotcontents',
  namespaced: false,
}
export const snapshotClasses: ResourceRef<VolumeSnapshotClass> = {
  ...GROUP,
  kind: 'VolumeSnapshotClass',
  plural: 'volumesnapshotclasses',
  namespaced: false,
}

/** The content of a snapshot, when the two say so of each other. */
export async function boundContent(
  scope: Scope,
  client: Client,
  namespace: string,
  name: string,
): Promise<VolumeSnapshotContent | undefined> {
  try {
    const snapshot = await client.resource(snapshots).get(scope, { namespace, name })
    const bound = snapshot.status?.boundVolumeSnapshotContentName
    if (bound === undefined) return undefined
    const content = await client.resource(contents).get(scope, { name: bound })
    const { uid } = content.spec.volumeSnapshotRef
    return uid === snapshot.metadata?.uid ? content : undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
