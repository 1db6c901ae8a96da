import type { Labels, Scope } from '#base'
import type { Engine } from '#store'
import type { FieldError, KubeObject } from '#api'
import type { AdmissionRequest, AdmissionStep, Authorizer, WriteGuard } from '../contract.ts'
import type { Negotiator } from '../respond/media.ts'
import type { ServerMetrics } from '../observe/server-metrics.ts'
import type { CacheSet } from '../watchcache/cache-set.ts'
import type { Catalog } from './catalog.ts'
import type { OwnershipMemory } from './ownership/ownership-memory.ts'
import type { Views } from './views.ts'

/** What all verbs share. Built once, by `createApiServer`. */
export interface Core {
  readonly scope: Scope
  readonly engine: Engine
  readonly catalog: Catalog
  readonly caches: CacheSet
  readonly views: Views
  readonly admission: readonly AdmissionStep[]
  readonly guard: WriteGuard | undefined
  readonly authorizers: readonly Authorizer[]
  readonly hooks: ReadonlyMap<string, RegistryHook>
  readonly negotiator: Negotiator
  /** Who owns what of new objects, as far as it has been worked out before. */
  readonly ownership: OwnershipMemory
  /** Ends the watches when the server stops. */
  readonly watches: Set<{ readonly labels: Labels; end(): void }>
  readonly metrics: ServerMetrics
}

/**
 * What a kind does around its writes beyond its strategy: addresses and ports are taken before an object is stored and given back when
 * it is not, or when it goes. Called with the prepared, validated draft; `undo` runs when the write does not happen.
 */
export interface RegistryHook {
  readonly beforeCreate?: (scope: Scope, draft: KubeObject, request: HookRequest) => void | Undo | Promise<void | Undo>
  readonly beforeUpdate?: (scope: Scope, draft: KubeObject, old: KubeObject, request: HookRequest) => void | Undo | Promise<void | Undo>
  /** What is wrong with an object, new or changed, and takes others to tell; said before what its kind's own rules find. */
  readonly causes?: (scope: Scope, request: AdmissionRequest) => readonly FieldError[] | Promise<readonly FieldError[]>
  /** After the changed object has been stored. */
  readonly afterUpdate?: (scope: Scope, now: KubeObject, old: KubeObject) => void | Promise<void>
  /** After the object has gone from the store. */
  readonly afterDelete?: (scope: Scope, old: KubeObject) => void | Promise<void>
  /**
   * Takes the place of the ordinary life after a first DELETE: an object that is not gone yet, and whose draft is changed here, stays.
   * `gone` says whether nothing keeps it any more.
   */
  readonly deletion?: DeletionRules
}
export type Undo = () => void | Promise<void>
export interface HookRequest {
  readonly dryRun: boolean
}
export interface DeletionRules {
  /** Marks the object for deletion; called for the first DELETE. */
  begin(draft: KubeObject, now: string): void
  /** Whether an object that is marked may go. */
  done(object: KubeObject): boolean
}

/** `pods`, `deployments.apps`. */
export function qualifiedName(resource: { readonly group: string; readonly plural: string }): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}
