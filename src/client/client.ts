import type { Scope } from '#base'
import type { KubeList, KubeObject, ResourceRef } from '#api'
import type { RawFrame } from './watch/frames.ts'

/**
 * The way to the API for everything above the API server. It has one meaning over both transports (a socket, or a function call inside
 * the server's process). Refusals are thrown as `StatusError` of `#api`; a server that cannot be reached is `Unreachable`.
 * Every call ends when its scope is cancelled. There is no client-side rate limit.
 */
export interface Client {
  resource<T extends KubeObject>(ref: ResourceRef<T>): ResourceClient<T>
  /** The same resource with everything but the type and the metadata left out of what is read. */
  metadata(ref: ResourceRef): ResourceClient<KubeObject>
  /** Any path, for what is not a resource (discovery, /version, /readyz). Throws for answers that are not 2xx. */
  raw(scope: Scope, request: RawRequest): Promise<RawAnswer>
  /** As `raw`, with the body as it arrives (logs that are followed). Who does not read it to its end calls `discard`. */
  stream(scope: Scope, request: RawRequest): Promise<StreamAnswer>
  /** Lets go of idle connections. */
  close(): void
}

export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Uint8Array
}

export interface StreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly chunks: AsyncIterable<Uint8Array>
  discard(): void
}

/** `namespace` is left out for cluster-scoped kinds and for lists over all namespaces. */
export interface ObjectName {
  readonly namespace?: string | undefined
  readonly name: string
}

export interface ResourceClient<T extends KubeObject> {
  readonly ref: ResourceRef<T>
  get(scope: Scope, name: ObjectName): Promise<T>
  list(scope: Scope, options?: ListOptions): Promise<KubeList<T>>
  /** One watch request; ends with the server's time limit, `scope`, or a throw (`isExpired` when the version is gone). */
  watch(scope: Scope, options: WatchOptions): AsyncIterable<WatchEvent<T>>
  create(scope: Scope, object: T, options?: WriteOptions): Promise<T>
  update(scope: Scope, object: T, options?: WriteOptions): Promise<T>
  patch(scope: Scope, name: ObjectName, patch: Patch, options?: WriteOptions): Promise<T>
  delete(scope: Scope, name: ObjectName, options?: DeleteOptions): Promise<void>
  deleteCollection(scope: Scope, selection: ListOptions, options?: DeleteOptions): Promise<void>
  /** A subresource of one object, spoken in whatever kind that path has. */
  subresource<S>(
    scope: Scope,
    name: ObjectName,
    subresource: string,
    write: { readonly verb: 'create' | 'update' | 'get'; readonly body?: unknown },
  ): Promise<S>
}

export interface ListOptions {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined
  readonly limit?: number | undefined
  readonly continue?: string | undefined
}

export interface WatchOptions {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  readonly resourceVersion: string
  readonly allowBookmarks?: boolean
  /** Starts with the present objects as ADDED, then a bookmark annotated `k8s.io/initial-events-end`. */
  readonly sendInitialEvents?: boolean
  readonly timeoutSeconds?: number
  /** How events are read, where that is not as JSON has them: see `SharedSpecs`. */
  readonly read?: ((frame: Uint8Array) => RawFrame) | undefined
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: KubeObject }

export interface WriteOptions {
  readonly subresource?: string
  readonly fieldManager?: string
  readonly dryRun?: boolean
  /** Server-side apply only. */
  readonly force?: boolean
}

export type Patch =
  | { readonly type: 'merge' | 'strategic' | 'apply'; readonly body: unknown }
  | { readonly type: 'json'; readonly body: readonly unknown[] }

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}
