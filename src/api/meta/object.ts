/** The metadata that every stored object has (metav1.ObjectMeta). Times are RFC 3339 strings, as on the wire. */
export interface ObjectMeta {
  name?: string | undefined
  generateName?: string | undefined
  namespace?: string | undefined
  uid?: string | undefined
  resourceVersion?: string | undefined
  generation?: number | undefined
  creationTimestamp?: string | undefined
  deletionTimestamp?: string | undefined
  deletionGracePeriodSeconds?: number | undefined
  labels?: Record<string, string> | undefined
  annotations?: Record<string, string> | undefined
  ownerReferences?: OwnerReference[] | undefined
  finalizers?: string[] | undefined
  managedFields?: ManagedFieldsEntry[] | undefined
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean | undefined
  blockOwnerDeletion?: boolean | undefined
}

export interface ManagedFieldsEntry {
  manager?: string | undefined
  operation?: string | undefined
  apiVersion?: string | undefined
  time?: string | undefined
  fieldsType?: string | undefined
  fieldsV1?: Record<string, unknown> | undefined
  subresource?: string | undefined
}

/** What all stored objects share. The generated types of the kinds are assignable to it. */
export interface KubeObject {
  apiVersion?: string | undefined
  kind?: string | undefined
  metadata?: ObjectMeta | undefined
}

export interface ListMeta {
  resourceVersion?: string | undefined
  continue?: string | undefined
  remainingItemCount?: number | undefined
}

export interface KubeList<T> {
  apiVersion?: string | undefined
  kind?: string | undefined
  metadata?: ListMeta | undefined
  items: T[]
}

/** Names a served resource; the generated constants in `refs.gen.ts` are the usual way to write one. */
export interface ResourceRef<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Plural, lower case, as in the path. */
  readonly plural: string
  readonly namespaced: boolean
  /** Carries the type; never there at run time. */
  readonly object?: T
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(ref: { readonly group: string; readonly version: string }): string {
  return ref.group === '' ? ref.version : `${ref.group}/${ref.version}`
}

/** `namespace/name`, or `name` for cluster-scoped objects: the key of work queues and caches. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata ?? {}
  return namespace === undefined || namespace === '' ? (name ?? '') : `${namespace}/${name ?? ''}`
}
