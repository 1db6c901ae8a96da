import type { JSONSchemaProps } from './types/apiextensions-v1.gen.ts'
import type { FieldErrors } from './meta/field-error.ts'
import type { KubeObject, ResourceRef } from './meta/object.ts'
import type { ObjectSchema } from './schema/schema.ts'

/**
 * Everything the server knows of one served kind in one version. Built-in kinds write one (`groups/<group>/<kind>.ts`), a
 * CustomResourceDefinition produces one at run time; the verbs, patches, watch, tables, discovery and OpenAPI are written
 * once over it.
 *
 * All functions are pure: no clock, no store, no client. The object handed to `defaults` and `prepare*` is a draft that
 * belongs to the request and is changed in place; every other object is read only.
 */
export interface Resource<T extends KubeObject = KubeObject> extends ResourceRef<T> {
  readonly singular: string
  readonly listKind: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly schema: ObjectSchema
  /** The schema of a custom resource in the words of its definition. Absent for built-in kinds. */
  readonly rules?: JSONSchemaProps
  readonly verbs: ReadonlySet<Verb>
  /** Whether `kind` and `apiVersion` stand in the items of a list (custom resources) or are left out (built-in kinds). */
  readonly typedItems: boolean
  /** Where objects lie in the store. Absent for kinds that are only answered, never stored (the reviews). */
  readonly storage?: ResourceStorage
  readonly strategy: Strategy<T>
  readonly columns: readonly Column<T>[]
  /** A cell behind those of the columns, without a column of its own. */
  readonly trailingCell?: Column<T>['cell']
  /** Annotations that stand for fields of the kind: the object has them, its metadata on its own (tables, partial objects) does not. */
  readonly fieldAnnotations?: readonly string[]
  /** Field selectors beyond metadata.name and metadata.namespace: path → value as text. */
  readonly selectable: Readonly<Record<string, OfKind<[object: T], string>>>
  readonly subresources: Readonly<Record<string, Subresource<T>>>
  /** A Warning header on every answer about this version: that it will go, and what to use instead. */
  readonly deprecation?: string
  /** How this version relates to the stored one; absent when it is the stored one. */
  readonly conversion?: Conversion
}

/**
 * A function over objects of one kind. Where kinds stand together they are a `Resource` of any object, and nobody hands an object of one
 * kind to another: so these, and the methods of strategies, columns and subresources, are compared in both directions.
 */
export type OfKind<Arguments extends readonly unknown[], Result> = { of(...values: Arguments): Result }['of']

export const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const
export type Verb = (typeof VERBS)[number]

export interface ResourceStorage {
  /** First segments of the key, as kube-apiserver writes them: `/registry/pods`, `/registry/services/specs`. */
  readonly prefix: string
  /** The version that is stored. */
  readonly group: string
  readonly version: string
  readonly kind: string
}

export interface Conversion {
  /** The stored version's form of an object of this version, and back. May share parts with the input. */
  toStored(object: KubeObject): KubeObject
  fromStored(object: KubeObject): KubeObject
  /** Selectable fields that the stored version has under another name: this version's path → its path. */
  readonly fields?: Readonly<Record<string, string>>
  /** There when only a webhook can tell one version from another: `toStored` and `fromStored` are then given what it has made. */
  readonly webhook?: () => ConversionWebhook
  /** What lies in the store as a resource of its own, where no served version is stored as it is sent (custom resources). */
  readonly stored?: Resource
}

export interface ConversionWebhook {
  readonly clientConfig: {
    readonly url?: string | undefined
    readonly service?:
      | { readonly namespace: string; readonly name: string; readonly path?: string | undefined; readonly port?: number | undefined }
      | undefined
    readonly caBundle?: string | undefined
  }
  readonly reviewVersions: readonly string[]
}

export interface Requester {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** The rules of a kind over an object's life. What is absent does nothing. */
export interface Strategy<T extends KubeObject> {
  /** Checks metadata.name (and `generateName` results): the error texts for a bad name, none when good. Default: DNS-1123 subdomain. */
  validateName?(name: string, isPrefix: boolean, object: T): readonly string[]
  /** Whether a new object's metadata is looked at only when nothing else is wrong. Default: first, and told with all that is. */
  readonly metadataLast?: boolean
  /** What Kubernetes looks at before a new object's metadata. */
  validateFirst?(object: T, errors: FieldErrors): void
  /** Whether any text will do as a finalizer. By default one without a domain must be one of Kubernetes' own. */
  readonly anyFinalizer?: boolean
  /**
   * Whether the kind keeps metadata.generation; given the parts that raise it. `spec` is the usual answer: raised when anything
   * outside metadata and status changes. A function gets the prepared new and old objects and says whether it rose.
   */
  readonly generation?: 'none' | 'spec' | OfKind<[object: T, old: T], boolean>
  /** The new object is compared as it was sent, before `prepareForUpdate` has dropped any of it. */
  readonly countsAsSent?: boolean
  /** An empty list or map that was sent where there is none counts as a change; `rules` when it is seen by rules, and raises no generation. */
  readonly countsEmpty?: boolean | 'rules'
  /** Changes what has been read from a client's text, before `defaults`. What is applied is merged instead, and kept as it was said. */
  wasRead?(draft: T): void
  /** Fills in what was left out, beyond the schema's defaults. Idempotent. Runs after decoding, and again after admission has changed the object. */
  defaults?(draft: T): void
  /** Brings a new object to its first state: status reset, fields that only the server writes set or dropped. `by` is who sends the request, `now` when. */
  prepareForCreate?(draft: T, by: Requester, now: string): void
  /** Puts back what an update of the main resource must not change (status), handles fields of switched-off features. */
  prepareForUpdate?(draft: T, old: T, now: string): void
  validate?(object: T, errors: FieldErrors): void
  /** Runs for updates instead of `validate`; calls it where Kubernetes does. `warn` is for what is wrong but was so before. */
  validateUpdate?(object: T, old: T, errors: FieldErrors, warn?: (text: string) => void): void
  /**
   * Whether new objects may share their specs with others. Then `defaults` fills the spec in from the spec alone and leaves it be when it
   * is shared (`isShared`), and `prepareForCreate` puts a new one in the place of a shared one that it has to change.
   */
  readonly sharesSpec?: boolean
  /** Whether writes leave `spec` as it was created, so that nobody comes to own any of it. */
  readonly fixedSpec?: boolean
  /** Warning header texts about a new object as it was sent: they come even when it is refused. */
  earlyWarnings?(object: T): readonly string[]
  /** Warning header texts. `old` is there on updates. */
  warnings?(object: T, old: T | undefined): readonly string[]
  /** A new object without a name and a prefix for one gets a random name, instead of being refused. */
  readonly unnamed?: 'uuid'
  /** What is given as a prefix for a name is the name: where a random end could never make a good one. */
  readonly prefixIsName?: boolean
  /** PUT to a name that does not exist creates it. */
  readonly createOnUpdate?: boolean
  /** Whether PUT may leave out metadata.resourceVersion. Default true. */
  readonly unconditionalUpdate?: boolean
  /** What an answer to DELETE carries. Default `status`. */
  readonly deleteAnswer?: 'object' | 'status'
  /** What the OpenAPI documents say of it, where they say something else than what comes. */
  readonly describedDeleteAnswer?: 'object' | 'status'
  /** Default for a DELETE without propagationPolicy. Default `background`. */
  readonly deletePropagation?: 'orphan' | 'background'
  /** Warning for a DELETE that leaves it to that default. */
  readonly deleteWarning?: string
  /** Seconds of grace for a DELETE, for kinds that end gracefully (pods). Absent: deleted at once. */
  gracefulDeletion?(object: T, askedSeconds: number | undefined): number
}

/**
 * A path below an object. `status`, `scale` and `update` are done generically from what stands here; a `special` one (binding, eviction,
 * log, exec, token, …) is only announced here, the API server has a handler for it by name.
 */
export type Subresource<T extends KubeObject> =
  | StatusSubresource<T>
  | ScaleSubresource<T>
  | UpdateSubresource<T>
  | {
      readonly type: 'special'
      readonly verbs: readonly string[]
      /** The kind spoken on this path, where it is another one than the object's. */
      readonly speaks?: { readonly group: string; readonly version: string; readonly kind: string }
    }

export interface StatusSubresource<T extends KubeObject> {
  readonly type: 'status'
  /** Default: keeps everything of `old` except status (and the metadata that a status update may change). `now` is the time of the request. */
  prepareForUpdate?(draft: T, old: T, now: string): void
  validateUpdate?(object: T, old: T, errors: FieldErrors, warn?: (text: string) => void): void
  /** Whether the labels stay as they are too, and nobody comes to own them here. */
  readonly keepsLabels?: boolean
  /** Whether all of the metadata stays as it is, and nobody comes to own any of it here. */
  readonly keepsMetadata?: boolean
  /** What nobody comes to own here beside it. */
  readonly resets?: readonly (readonly string[])[]
}

/** A path on which a part of the object is changed under rules of its own (approval, resize). GET answers with the object. */
export interface UpdateSubresource<T extends KubeObject> {
  readonly type: 'update'
  /** Brings the draft to the present object with what may be changed here. `now` is the time of the request. */
  prepareForUpdate(draft: T, old: T, now: string): void
  validateUpdate(object: T, old: T, errors: FieldErrors): void
  /** What nobody comes to own here. Default: the status. */
  readonly resets?: readonly (readonly string[])[]
}

export interface ScaleSubresource<T extends KubeObject> {
  readonly type: 'scale'
  /** `autoscaling/v1` Scale for all built-in kinds but those that say otherwise. */
  replicas(object: T): number
  statusReplicas(object: T): number
  /** The label selector as text; empty when there is none. */
  selector(object: T): string
  setReplicas(draft: T, replicas: number): void
  /** Throws a `StatusError` for an object that has no size to be read; a write gives it one. Default: never. */
  checkReadable?(object: T): void
}

/** A column of `kubectl get`. */
export interface Column<T extends KubeObject> {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format: string
  readonly description: string
  /** 0 is always shown, more only in wide output. */
  readonly priority: number
  /** `now` in milliseconds since the epoch, for ages. */
  cell(object: T, now: number): string | number | boolean | null
}
