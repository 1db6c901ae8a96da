import { type KubeObject, type OwnerReference, type ResourceRef, apiVersionOf } from '#api'
import type { Informer } from './contract.ts'

/** The owner that manages this object, if one does. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((owner) => owner.controller === true)
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  const uid = owner.metadata?.uid
  return uid !== undefined && controllerOf(object)?.uid === uid
}

/** The reference that makes `owner` the manager of what carries it. */
export function controllerReference(owner: KubeObject, ref: ResourceRef): OwnerReference {
  return {
    apiVersion: apiVersionOf(ref),
    kind: ref.kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

export const CONTROLLER_UID_INDEX = 'controller-uid'
export const ORPHAN_INDEX = 'orphans-by-namespace'

/** Lets `byIndex` find the objects that an owner manages, and those of a namespace that nobody manages. */
export function indexOwners<T extends KubeObject>(informer: Informer<T>): Informer<T> {
  informer.addIndex(CONTROLLER_UID_INDEX, (object) => {
    const uid = controllerOf(object)?.uid
    return uid === undefined ? [] : [uid]
  })
  informer.addIndex(ORPHAN_INDEX, (object) => (controllerOf(object) === undefined ? [object.metadata?.namespace ?? ''] : []))
  return informer
}

export interface Claim<T> {
  /** What the owner manages and still selects. */
  readonly owned: readonly T[]
  /** Unmanaged objects that it selects and may take over. */
  readonly adopt: readonly T[]
  /** Managed objects that it no longer selects and has to let go. */
  readonly release: readonly T[]
}

/**
 * Whom an owner manages among what is seen (needs `indexOwners`). An owner that is being deleted takes nobody over and lets nobody go.
 * `adoptable` refuses unmanaged objects beyond being deleted (finished pods).
 */
export function claim<T extends KubeObject>(
  informer: Informer<T>,
  owner: KubeObject,
  selects: (labels: Readonly<Record<string, string>>) => boolean,
  adoptable: (object: T) => boolean = () => true,
): Claim<T> {
  const owned: T[] = []
  const release: T[] = []
  const isEnding = owner.metadata?.deletionTimestamp !== undefined
  for (const object of informer.byIndex(CONTROLLER_UID_INDEX, owner.metadata?.uid ?? '')) {
    if (selects(object.metadata?.labels ?? {})) owned.push(object)
    else if (!isEnding) release.push(object)
  }
  const adopt = isEnding
    ? []
    : informer
        .byIndex(ORPHAN_INDEX, owner.metadata?.namespace ?? '')
        .filter((object) => object.metadata?.deletionTimestamp === undefined && selects(object.metadata?.labels ?? {}) && adoptable(object))
  return { owned, adopt, release }
}

/**
 * Merge patches that take an object over and let it go. They carry the version that was seen: when the object has changed since,
 * the server answers with a conflict and the owner looks again. The new owner stands first, as a strategic merge puts it.
 */
export function adoptPatch(object: KubeObject, owner: OwnerReference, finalizer?: string): object {
  const { uid, resourceVersion, ownerReferences = [], finalizers = [] } = object.metadata ?? {}
  const added = finalizer === undefined || finalizers.includes(finalizer) ? {} : { finalizers: [...finalizers, finalizer] }
  return { metadata: { uid, resourceVersion, ownerReferences: [owner, ...ownerReferences], ...added } }
}

export function releasePatch(object: KubeObject, ownerUid: string, finalizer?: string): object {
  const { uid, resourceVersion, ownerReferences = [], finalizers } = object.metadata ?? {}
  const kept = finalizer === undefined || finalizers === undefined ? {} : { finalizers: finalizers.filter((name) => name !== finalizer) }
  return { metadata: { uid, resourceVersion, ownerReferences: ownerReferences.filter((owner) => owner.uid !== ownerUid), ...kept } }
}
