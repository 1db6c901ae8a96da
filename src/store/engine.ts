import type { Scope, Span } from '#base'

/**
 * The store: ordered keys, byte values, one revision counter, and a history that can be watched.
 *
 * It knows nothing of Kubernetes. The semantics are those of etcd v3 (key-value API, watch API, leases), so that
 * etcd itself can stand behind this interface; `sqlite` is the embedded default and `memory` serves tests.
 *
 * Ownership: values handed in are owned by the store and must not be changed afterwards; values handed out are
 * shared and must not be changed either. Keys are non-empty strings compared by their UTF-8 bytes.
 */
export interface Engine extends AsyncDisposable {
  /** Whether other processes write here too. `revision` is then only what this one has seen, and the answer to an empty transaction is the truth. */
  readonly shared: boolean
  /** Revision of the newest transaction that is durable and visible. 1 in an empty store. */
  readonly revision: number
  /** Reads at revisions below this one, and watches from such revisions, fail with `Compacted`. */
  readonly compactedRevision: number

  /**
   * Compares, then applies all operations at one new revision, or none.
   *
   * Resolves after the data is on disk: transactions that arrive together share one disk sync. Transactions take
   * effect in the order of the calls, each seeing the effects of the earlier ones, durable or not; where the store is
   * shared, that holds of transactions that touch the same keys, and others see what was acknowledged before the call.
   * A failed compare uses no revision. A transaction without operations is a consistent read point. Visible to readers
   * and watchers only once durable. Rejects with `StoreFailed` when the disk refuses, or `StoreUnavailable` when the
   * store cannot be reached; nothing of that transaction is then visible, now or after a restart. `StoreUncertain`, of
   * stores behind a network only, promises nothing.
   */
  commit(transaction: Transaction): Promise<CommitResult>

  /** The newest durable value, or the one at `atRevision`. Throws `Compacted` or `FutureRevision`. */
  get(key: string, atRevision?: number): KeyValue | undefined | Promise<KeyValue | undefined>

  /** Keys with a prefix, in key order. Throws `Compacted` or `FutureRevision`. */
  range(query: RangeQuery): RangeResult | Promise<RangeResult>

  /**
   * Events under a prefix with revisions from `fromRevision` on: in revision order, none missing, none twice, those of
   * one transaction in one batch. Replays history first, then follows. Ends when the scope is cancelled, or
   * with one call of `onEnd`: `Compacted` when `fromRevision` (or the follower's place) is no longer in the history.
   * Callbacks are synchronous and must be quick; a throwing callback ends its watch only.
   */
  watch(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void

  /** Forgets superseded values older than `revision`. Idempotent; resolves when reads below it fail. */
  compact(revision: number): Promise<void>

  /** A lease that ends `ttlSeconds` after its grant or last renewal, deleting the keys attached to it in one transaction. Survives restarts. */
  grantLease(ttlSeconds: number): Promise<LeaseId>
  /** Throws `LeaseNotFound`. */
  renewLease(lease: LeaseId): Promise<void>
  revokeLease(lease: LeaseId): Promise<void>

  stats(): EngineStats | Promise<EngineStats>
  /** Waits for what is under way, syncs, and lets go of the files. Later calls reject with `StoreClosed`. */
  close(): Promise<void>
}

export type LeaseId = number

export interface KeyValue {
  readonly key: string
  readonly value: Uint8Array
  /** Revision of the transaction that created the key (since its last deletion). */
  readonly createRevision: number
  /** Revision of the transaction that wrote this value. */
  readonly modRevision: number
  /** 1 when created, raised by one for each later write. */
  readonly version: number
  readonly lease?: LeaseId
}

export interface Transaction {
  readonly compare?: readonly Compare[]
  readonly operations: readonly Operation[]
  /** Keys whose present values are wanted back when a compare fails: the answer to an optimistic writer. */
  readonly otherwiseGet?: readonly string[]
  /** What the transaction is a part of, for stores behind a network. */
  readonly span?: Span
}

/** Holds when the key's newest mod revision is this one; 0 means that the key does not exist. */
export interface Compare {
  readonly key: string
  readonly modRevision: number
}

export type Operation =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array; readonly lease?: LeaseId }
  | { readonly kind: 'delete'; readonly key: string }

export type CommitResult =
  | { readonly succeeded: true; readonly revision: number }
  | { readonly succeeded: false; readonly revision: number; readonly otherwise: readonly (KeyValue | undefined)[] }

export interface RangeQuery {
  readonly prefix: string
  /** Only keys after this one (exclusive); it must start with the prefix. */
  readonly after?: string
  readonly limit?: number
  readonly atRevision?: number
  /** Leaves the values empty. */
  readonly keysOnly?: boolean
  /** What the read is a part of, for stores behind a network. */
  readonly span?: Span
}

export interface RangeResult {
  /** The revision that was read. */
  readonly revision: number
  readonly items: readonly KeyValue[]
  /** Whether keys after the last item exist. */
  readonly more: boolean
  /** All keys under the prefix (after `after`), whatever the limit. */
  readonly count: number
}

export interface WatchQuery {
  readonly prefix: string
  /** First revision of interest. Default: the one after the newest. */
  readonly fromRevision?: number
  /** Whether events carry the value before them, which may have to be read from the disk. Default false. */
  readonly withPrevious?: boolean
}

export interface WatchCallbacks {
  /** One transaction's events under the prefix. */
  onEvents(events: readonly StoreEvent[], revision: number): void
  /** The store has reached this revision and no event up to it is missing here. Called at least when the history has been replayed. */
  onProgress?(revision: number): void
  onEnd(error: Error): void
}

export interface StoreEvent {
  readonly kind: 'put' | 'delete'
  readonly key: string
  /** The value after the event; for a delete, `value` is empty and `modRevision` is the deletion's. */
  readonly current: KeyValue
  /** The value before it, where there was one and the watch asked for it. etcd does not have it when that revision has been compacted. */
  readonly previous?: KeyValue
}

export interface EngineStats {
  readonly keys: number
  readonly sizeBytes: number
  /** Transactions of this process that have changed something. */
  readonly commits: number
  /** Disk syncs that they took; 0 where somebody else does them. */
  readonly syncs: number
}
