import { type Scope, type Timer, afterThisTurn } from '#base'
import type {
  CommitResult,
  Engine,
  EngineStats,
  KeyValue,
  LeaseId,
  RangeQuery,
  RangeResult,
  Transaction,
  WatchCallbacks,
  WatchQuery,
} from '../engine.ts'
import { FutureRevision, InvalidStoreRequest, StoreClosed, StoreFailed } from '../errors.ts'
import { type Batch, changesNothing, emptyBatch } from './batch.ts'
import type { Disk } from './disk.ts'
import { Keyspace } from './keyspace.ts'
import { Leases } from './leases.ts'
import { sweep } from './sweep.ts'
import { WatchHub } from './watch-hub.ts'

interface Request {
  /** Applies the request to the keyspace and returns what to answer once it is durable; throws before changing anything. */
  readonly apply: (batch: Batch) => unknown
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/** What was applied together, and how its requests are answered once it is durable. */
interface Applied {
  readonly requests: readonly Request[]
  readonly batch: Batch
  readonly answers: readonly (() => void)[]
}

/** The most requests that share one sync: bounds how long the event loop waits. */
const LARGEST_BATCH = 1024
/** After the disk has refused work that nobody waits for. */
const RETRY_MS = 1000

/**
 * The engines that keep their keys in memory and their values on a disk, or nowhere else.
 *
 * Requests are gathered during one turn of the event loop, or for as long as the write before them takes, then applied in
 * order, written with one sync, and answered when that is durable. While the disk works the event loop goes on, but nothing
 * else is applied. So each transaction sees the earlier ones, no reader sees what is not durable, and when the disk refuses,
 * the whole batch is taken back before anything could be built upon it.
 */
export class MvccEngine implements Engine {
  readonly shared = false
  readonly #scope: Scope
  readonly #disk: Disk
  readonly #keyspace: Keyspace
  readonly #leases: Leases
  readonly #hub: WatchHub
  #queue: Request[] = []
  #flushQueued = false
  #sweepQueued = false
  #expiry: { readonly timer: Timer; readonly atMs: number } | undefined
  /** Settles when what is being written is durable, or refused. */
  #writing: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #closed = false
  #commits = 0
  #syncs = 0

  /** Loads what the disk has. The engine owns the disk from now on; `scope` gives the clock and the log, not a lifetime. */
  constructor(scope: Scope, disk: Disk, recentBytes: number) {
    this.#scope = scope
    this.#disk = disk
    this.#leases = new Leases(scope.clock)
    this.#keyspace = new Keyspace(this.#leases, disk, recentBytes)
    this.#hub = new WatchHub(scope, this.#keyspace)
    const state = disk.loadState()
    this.#leases.restore(state.leases, state.lastLease)
    disk.loadRows((row) => this.#keyspace.restoreRow(row))
    this.#keyspace.restoreCompaction(state.compactedRevision)
    this.#queueSweep()
    this.#armExpiry()
  }

  get revision(): number {
    return this.#keyspace.revision
  }

  get compactedRevision(): number {
    return this.#keyspace.compactedRevision
  }

  commit(transaction: Transaction): Promise<CommitResult> {
    return this.#submit((batch) => this.#keyspace.commit(transaction, batch))
  }

  get(key: string, atRevision?: number): KeyValue | undefined {
    this.#checkOpen()
    return this.#keyspace.get(key, atRevision)
  }

  range(query: RangeQuery): RangeResult {
    this.#checkOpen()
    return this.#keyspace.range(query)
  }

  watch(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void {
    this.#checkOpen()
    this.#hub.add(scope, query, callbacks)
  }

  async compact(revision: number): Promise<void> {
    await this.#submit((batch) => {
      if (!Number.isSafeInteger(revision)) throw new InvalidStoreRequest('a compaction needs a revision')
      if (revision > this.#keyspace.revision) throw new FutureRevision(revision, this.#keyspace.revision)
      if (revision > Math.max(this.compactedRevision, batch.compactedRevision ?? 0)) batch.compactedRevision = revision
    })
    if (this.#closed) return
    this.#disk.markUnused()
    this.#queueSweep()
  }

  grantLease(ttlSeconds: number): Promise<LeaseId> {
    return this.#submit((batch) => {
      const change = this.#leases.grant(ttlSeconds)
      batch.leases.push(change)
      return change.lease.id
    })
  }

  renewLease(lease: LeaseId): Promise<void> {
    return this.#submit((batch) => {
      batch.leases.push(this.#leases.renew(this.#leases.get(lease)))
    })
  }

  revokeLease(lease: LeaseId): Promise<void> {
    return this.#submit((batch) => this.#keyspace.revoke(this.#leases.get(lease), batch))
  }

  stats(): EngineStats {
    return { keys: this.#keyspace.index.live, sizeBytes: this.#disk.sizeBytes(), commits: this.#commits, syncs: this.#syncs }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreClosed()
  }

  async #close(): Promise<void> {
    while (this.#queue.length > 0 || this.#writing !== undefined) {
      if (this.#writing === undefined) this.#flush()
      await this.#writing
    }
    this.#closed = true
    this.#expiry?.timer.cancel()
    this.#hub.close()
    this.#disk.close()
  }

  #submit<T>(apply: (batch: Batch) => T): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(new StoreClosed())
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ apply, resolve: resolve as (answer: unknown) => void, reject })
      this.#queueFlush()
    })
  }

  #queueFlush(): void {
    // What waits for the write under way is taken when that has ended.
    if (this.#flushQueued || this.#writing !== undefined) return
    this.#flushQueued = true
    afterThisTurn(() => {
      this.#flushQueued = false
      if (this.#closed || this.#writing !== undefined) return
      this.#flush()
      if (this.#queue.length > 0) this.#queueFlush()
    })
  }

  #flush(): void {
    const requests = this.#queue.splice(0, LARGEST_BATCH)
    const batch = emptyBatch()
    const answers: (() => void)[] = []
    for (const { apply, resolve, reject } of requests) {
      try {
        const answer = apply(batch)
        answers.push(() => resolve(answer))
      } catch (refusal) {
        answers.push(() => reject(refusal))
      }
    }
    const applied = { requests, batch, answers }
    try {
      const durable = changesNothing(batch) ? undefined : this.#write(batch)
      if (durable !== undefined) this.#writing = this.#settle(durable, applied)
      else this.#publish(applied)
    } catch (error) {
      this.#takeBack(applied, error)
    }
  }

  #write(batch: Batch): Promise<void> | undefined {
    const durable = this.#disk.write(batch, { lastLease: this.#leases.lastId, describe: (lease) => this.#leases.store(lease) })
    this.#syncs++
    return durable
  }

  async #settle(durable: Promise<void>, applied: Applied): Promise<void> {
    try {
      await durable
      this.#publish(applied)
    } catch (error) {
      this.#takeBack(applied, error)
    }
    await this.#disk.tidy()
    this.#writing = undefined
    if (this.#sweepQueued) this.#sweep()
    if (this.#queue.length > 0) this.#queueFlush()
  }

  #publish({ batch, answers }: Applied): void {
    const before = this.revision
    this.#keyspace.publish(batch)
    this.#commits += this.revision - before
    for (const answer of answers) answer()
    this.#hub.publish(batch.versions)
    if (batch.leases.length > 0) this.#armExpiry()
  }

  #takeBack({ batch, requests }: Applied, error: unknown): void {
    this.#keyspace.takeBack(batch)
    // Refusals and failed compares too: they may be due to what has just been taken back.
    for (const { reject } of requests) reject(new StoreFailed(error))
  }

  #armExpiry(): void {
    const atMs = this.#leases.nextDeadlineMs()
    if (atMs === this.#expiry?.atMs) return
    this.#expiry?.timer.cancel()
    this.#expiry = undefined
    if (atMs === undefined) return
    const timer = this.#scope.clock.after(atMs - this.#scope.clock.monotonic(), () => this.#expire(), { background: true })
    this.#expiry = { timer, atMs }
  }

  #expire(): void {
    this.#expiry = undefined
    // The leases are looked at when their turn comes: a renewal that arrived before this is in time.
    const ended = this.#submit((batch) => {
      for (const lease of this.#leases.expired()) this.#keyspace.revoke(lease, batch)
    })
    ended.then(
      () => this.#armExpiry(),
      (error: unknown) => {
        if (this.#closed) return
        this.#scope.log.warn('leases could not be ended, trying again', { error })
        this.#scope.clock.after(RETRY_MS, () => this.#closed || this.#expire(), { background: true })
      },
    )
  }

  /** A step of the sweep writes too: it has its turn between two writes. */
  #queueSweep(): void {
    if (this.#sweepQueued) return
    this.#sweepQueued = true
    afterThisTurn(() => {
      if (this.#sweepQueued && this.#writing === undefined) this.#sweep()
    })
  }

  #sweep(): void {
    this.#sweepQueued = false
    if (this.#closed) return
    try {
      if (sweep(this.#keyspace, this.#disk) || this.#disk.shrink()) this.#queueSweep()
    } catch (error) {
      this.#scope.log.warn('compacted values could not be removed, trying again', { error })
      this.#scope.clock.after(RETRY_MS, () => this.#queueSweep(), { background: true })
    }
  }
}
