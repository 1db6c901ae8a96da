import type { AdmissionMetrics } from './observe/admission-metrics.ts'
import type { Peer, Scope } from '#base'
import type { KubeObject, Resource, ResourceRef } from '#api'

/** Where the parts of the API server meet. Each part imports this file and not the other parts. */

export interface UserInfo {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** What is known of a request before its body is read (k8s.io/apiserver RequestInfo). */
export interface RequestInfo {
  readonly isResource: boolean
  /** `get`, `list`, `watch`, `create`, … for resources; the method in lower case for other paths. */
  readonly verb: string
  readonly path: string
  readonly query: URLSearchParams
  readonly group: string
  readonly version: string
  /** Plural. Empty when the path is not a resource's. */
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** What stands behind the subresource (`proxy/…`). */
  readonly rest: string
}

/**
 * Says who sends the request. Undefined: these credentials are not of my kind, ask the next. A throw (`StatusError` 401) refuses the
 * request at once: credentials of my kind that are wrong.
 */
export interface Authenticator {
  readonly name: string
  authenticate(scope: Scope, credentials: Credentials): UserInfo | undefined | Promise<UserInfo | undefined>
}
export interface Credentials {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly peer: Peer
}

export interface AccessQuestion {
  readonly user: UserInfo
  readonly verb: string
  readonly isResource: boolean
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** For paths that are not resources. */
  readonly path: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
}
export type Decision =
  | { readonly kind: 'allow'; readonly reason: string }
  /** `error`: who should have decided could not; where nobody allows, that is what the request fails with. */
  | { readonly kind: 'deny'; readonly reason: string; readonly error?: string }
  | { readonly kind: 'no-opinion'; readonly reason: string; readonly error?: string }

/** Asked in order; the first that allows or denies decides, and nobody's opinion is a refusal. Synchronous wherever it can be: it is on every request's path. */
export interface Authorizer {
  readonly name: string
  authorize(scope: Scope, question: AccessQuestion): Decision | Promise<Decision>
}

export const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const
export type Operation = (typeof OPERATIONS)[number]

export interface AdmissionRequest {
  readonly operation: Operation
  readonly resource: Resource
  readonly subresource: string
  readonly namespace: string
  /** May be empty on create with generateName. */
  readonly name: string
  /** One of many that are deleted by one request, which does not say the name. */
  readonly isOfCollection?: boolean
  readonly user: UserInfo
  readonly dryRun: boolean
  /** The draft; undefined for DELETE. Mutating steps change it in place, validating steps must not. */
  readonly object: KubeObject | undefined
  /** Complete and never changed. Undefined for CREATE. */
  readonly old: KubeObject | undefined
  readonly options: Readonly<Record<string, unknown>>
  /** Whether the steps run once more because one of them has asked for it. */
  readonly isRepeated?: boolean
  /** What steps remember from one round to the next, by their names. Made by the first that has something to remember. */
  notes?: Map<string, unknown>
  /** Adds a Warning header. */
  warn(text: string): void
  /** Says something about the request in the audit log, where there is one. */
  readonly annotate?: (key: string, value: string) => void
  /** Says how long somebody outside this server has kept the request waiting. */
  readonly outside?: (ms: number) => void
  readonly metrics?: AdmissionMetrics
}

/**
 * One rule on writes. Refuses by throwing a `StatusError`. Steps run in list order: all `mutate`, then validation, then all `validate`.
 * When a `mutate` says true, it has changed the object in a way that earlier steps must see: all of them run once more.
 */
export interface AdmissionStep {
  readonly name: string
  handles(request: AdmissionRequest): boolean
  /**
   * Whether `mutate` writes to the draft, its metadata and the fields of its spec alone, and what is below them only by putting new values
   * in the place of old ones. The others get a draft that shares nothing, which costs a copy.
   */
  readonly replaces?: boolean
  readonly mutate?: (scope: Scope, request: AdmissionRequest) => void | Promise<void> | Promise<boolean>
  readonly validate?: (scope: Scope, request: AdmissionRequest) => void | Promise<void>
}

/**
 * The last rule on a write, for what must change together with it: the guard's changes and the object are one transaction, which compares
 * all of them. Runs after admission, next to the store.
 */
export interface WriteGuard {
  readonly name: string
  handles(request: AdmissionRequest): boolean
  /** Waits for the turn of this write; the answer ends it. */
  enter(request: AdmissionRequest): Promise<() => void>
  /** What is to be written beside the object, from the newest state. Refuses by throwing a `StatusError`. Asked again when another server was faster. */
  changes(scope: Scope, request: AdmissionRequest): readonly GuardedChange[]
}
export interface GuardedChange {
  readonly ref: ResourceRef
  /** As it is stored now. */
  readonly old: KubeObject
  readonly subresource: 'status'
  /** Changes a draft of `old` in place. */
  change(draft: KubeObject): void
}

/**
 * The server's own view of what is stored, from the watch caches: synchronous, parsed once per change, never older than the
 * last write this server acknowledged. Objects are shared and read only.
 */
export interface ObjectReader {
  get<T extends KubeObject>(ref: ResourceRef<T>, namespace: string, name: string): T | undefined
  list<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): readonly T[]
  /** Changes whenever an object of the resource does: for caches of what was computed from `list`. */
  version(ref: ResourceRef): number
  /** The objects of all namespaces whose selectable field has this value (`spec.nodeName` of pods), from an index. Absent: `list` is searched. */
  readonly select?: <T extends KubeObject>(ref: ResourceRef<T>, field: string, value: string) => readonly T[]
}

/** For the server's own start. */
export interface StartReader extends ObjectReader {
  /** One object, for a look that is not repeated: all others of the kind are not read into memory for it. */
  peek<T extends KubeObject>(ref: ResourceRef<T>, namespace: string, name: string): T | undefined
}

/** Writes by the server itself (bootstrap objects, allocation, tokens), through the same verbs as everyone's. */
export interface ObjectWriter {
  /** `manager` is who comes to own the fields; `kube-apiserver` when nobody is named. */
  create<T extends KubeObject>(scope: Scope, ref: ResourceRef<T>, object: T, manager?: string): Promise<T>
  update<T extends KubeObject>(scope: Scope, ref: ResourceRef<T>, object: T, manager?: string): Promise<T>
  delete(scope: Scope, ref: ResourceRef, namespace: string, name: string): Promise<void>
  /** Changes the status of the object as it is now. `change` runs again when somebody else was faster. Throws `StatusError` 404. */
  changeStatus<T extends KubeObject>(
    scope: Scope,
    ref: ResourceRef<T>,
    namespace: string,
    name: string,
    change: (draft: T) => void,
  ): Promise<void>
  /** Applies (server-side, by force) what `manager` has to say of the status of an object of the cluster. Throws `StatusError` 404. */
  applyStatus(scope: Scope, ref: ResourceRef, name: string, manager: string, status: object): Promise<void>
}

/**
 * A kind that is only answered: POST gives the object back with its answer filled in, and nothing is stored. With `subresource` it
 * stands below an object (`serviceaccounts/token`): `ref` is the object's resource, `Subresource.speaks` says the kind, admission has
 * seen the object, and `name` is the object's. Refuses by throwing a `StatusError`.
 */
export interface VirtualResource {
  readonly ref: ResourceRef
  readonly subresource?: string
  /** Fills in what was left out, before anybody looks at the object. */
  defaults?(object: KubeObject): void
  create(scope: Scope, request: VirtualRequest, object: KubeObject): KubeObject | Promise<KubeObject>
}
export interface VirtualRequest {
  readonly user: UserInfo
  /** From the path; empty where there is none. */
  readonly namespace: string
  readonly name: string
  readonly dryRun: boolean
}

/** A path that is answered with bytes, for GET and HEAD; authorization is done before. */
export interface RawRoute {
  readonly path: string
  readonly contentType: string
  /** How long anybody may keep it. */
  readonly maxAgeSeconds: number
  body(scope: Scope, request: { readonly host: string }): Uint8Array
}
