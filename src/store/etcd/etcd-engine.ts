import { type CancellableScope, type Scope, type Span, messageOf } from '#base'
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
import { Compacted, FutureRevision, InvalidStoreRequest, LeaseNotFound, StoreClosed, StoreFailed } from '../errors.ts'
import { orderedKey, orderedPrefix } from '../mvcc/keys.ts'
import { Known } from './known.ts'
import type { Members } from './members.ts'
import { KeyOrder } from './order.ts'
import { RpcFailed } from '#base/grpc'
import { rangeOf } from './spans.ts'
import { Watches } from './watches.ts'
import {
  type RangeAnswer,
  type RangeAsk,
  compactionRequest,
  leaseAnswer,
  leaseGrantRequest,
  leaseRequest,
  rangeAnswer,
  rangeRequest,
  statusAnswer,
  transactionAnswer,
  transactionRequest,
} from './wire.ts'

/** A key that nothing has: what is read of it is the revision. */
const NO_KEY = rangeOf('').key
/** Leases have ids of 48 bits, which a number holds exactly. */
const LEASE_ID_BYTES = 6
const CATCH_UP_MS = 1_000

/** Refusals of etcd by their words, which are part of its interface: several share a status. */
const COMPACTED = 'etcdserver: mvcc: required revision has been compacted'
const FUTURE = 'etcdserver: mvcc: required revision is a future revision'
const NO_LEASE = 'etcdserver: requested lease not found'
const LEASE_EXISTS = 'etcdserver: lease already exists'
const INVALID_ARGUMENT = 3
const RESOURCE_EXHAUSTED = 8

/**
 * The engine whose data lies in etcd. Several processes may share one: `revision` is then what this one has seen, and a transaction
 * without operations asks etcd. Transactions that touch the same keys take effect in the order of the calls; others run side by side.
 */
export class EtcdEngine implements Engine {
  readonly shared = true
  readonly #scope: CancellableScope
  readonly #members: Members
  readonly #known = new Known()
  readonly #order = new KeyOrder()
  readonly #watches: Watches
  #reading: Promise<number> | undefined
  #readingNext: Promise<number> | undefined
  #commits = 0
  #closing: Promise<void> | undefined

  private constructor(scope: CancellableScope, members: Members) {
    this.#scope = scope
    this.#members = members
    this.#watches = new Watches(scope, members, this.#known)
  }

  /** Reads where etcd is. The scope and the members belong to the engine from now on. */
  static async open(scope: CancellableScope, members: Members): Promise<EtcdEngine> {
    const engine = new EtcdEngine(scope, members)
    await engine.#readRevision()
    await engine.#learnCompaction()
    return engine
  }

  get revision(): number {
    return this.#known.revision
  }
  get compactedRevision(): number {
    return this.#known.compactedRevision
  }

  async commit(transaction: Transaction): Promise<CommitResult> {
    this.#checkOpen()
    const { compare = [], operations, otherwiseGet = [] } = transaction
    const keys = new Set<string>()
    for (const { key } of operations) {
      orderedKey(key)
      if (keys.has(key)) throw new InvalidStoreRequest(`a transaction names the key ${key} twice`)
      keys.add(key)
    }
    for (const { key } of compare) keys.add(key)
    if (keys.size === 0) return { succeeded: true, revision: await this.#readPoint() }
    return this.#order.run([...keys], async () => {
      const answer = transactionAnswer(await this.#write('KV/Txn', transactionRequest(compare, operations, otherwiseGet), transaction))
      this.#known.reached(answer.revision)
      if (!answer.succeeded) return { succeeded: false, revision: answer.revision, otherwise: answer.found }
      if (operations.length > 0) this.#commits++
      return { succeeded: true, revision: answer.revision }
    })
  }

  async get(key: string, atRevision?: number): Promise<KeyValue | undefined> {
    orderedKey(key)
    const { items } = await this.#range({ key: Buffer.from(key, 'utf8') }, atRevision)
    return items[0]
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    const { prefix, after, limit, atRevision, keysOnly, span } = query
    if (limit !== undefined && !(limit >= 1)) throw new InvalidStoreRequest('the limit of a range must be at least 1')
    orderedPrefix(prefix)
    if (after !== undefined && !after.startsWith(prefix)) throw new InvalidStoreRequest('a range goes on after a key with its prefix')
    const most = limit !== undefined && Number.isFinite(limit) ? { limit } : {}
    const answer = await this.#range({ ...rangeOf(prefix, after), ...most, keysOnly: keysOnly === true }, atRevision, span)
    return { revision: atRevision ?? answer.revision, items: answer.items, more: answer.more, count: answer.count }
  }

  watch(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void {
    this.#checkOpen()
    orderedPrefix(query.prefix)
    this.#watches.add(scope, query, callbacks)
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen()
    if (!Number.isSafeInteger(revision)) throw new InvalidStoreRequest('a compaction needs a revision')
    if (revision <= this.compactedRevision) return
    try {
      await this.#members.call('KV/Compact', compactionRequest(revision), true)
    } catch (error) {
      if (!(error instanceof RpcFailed)) throw error
      if (error.message === FUTURE) throw new FutureRevision(revision, await this.#readRevision())
      // Another server was first.
      if (error.message !== COMPACTED) throw this.#refusal(error)
    }
    this.#known.compacted(revision)
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    this.#checkOpen()
    if (!(ttlSeconds > 0 && Number.isFinite(ttlSeconds))) throw new InvalidStoreRequest('a lease needs a positive time to live')
    for (;;) {
      const lease = this.#scope.random.bytes(LEASE_ID_BYTES).reduce((id, byte) => id * 256 + byte, 0)
      if (lease === 0) continue
      try {
        await this.#members.call('Lease/LeaseGrant', leaseGrantRequest(Math.ceil(ttlSeconds), lease), true)
        return lease
      } catch (error) {
        if (!(error instanceof RpcFailed)) throw error
        if (error.message !== LEASE_EXISTS) throw this.#refusal(error)
      }
    }
  }

  async renewLease(lease: LeaseId): Promise<void> {
    this.#checkOpen()
    // A stream by its nature; with one message each way it is a call. Renewing twice does no harm, so it may be asked again.
    const answer = leaseAnswer(await this.#read('Lease/LeaseKeepAlive', leaseRequest(lease)))
    if (answer.ttlSeconds <= 0) throw new LeaseNotFound(lease)
  }

  async revokeLease(lease: LeaseId): Promise<void> {
    this.#checkOpen()
    try {
      this.#known.reached(leaseAnswer(await this.#members.call('Lease/LeaseRevoke', leaseRequest(lease), true)).revision)
    } catch (error) {
      if (!(error instanceof RpcFailed)) throw error
      throw error.message === NO_LEASE ? new LeaseNotFound(lease) : this.#refusal(error)
    }
  }

  async stats(): Promise<EngineStats> {
    this.#checkOpen()
    const [status, { count }] = await Promise.all([
      this.#read('Maintenance/Status', new Uint8Array(0)),
      this.#range({ ...rangeOf(''), countOnly: true }, undefined),
    ])
    return { keys: count, sizeBytes: statusAnswer(status).sizeBytes, commits: this.#commits, syncs: 0 }
  }

  /** What etcd is, such as 3.6.5. */
  async version(): Promise<string> {
    return statusAnswer(await this.#read('Maintenance/Status', new Uint8Array(0))).version
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const writing = this.#order.idle()
    await writing
    // Watches see what was written here, as long as etcd is there to tell.
    await Promise.race([this.#watches.caughtUp(), this.#scope.sleep(CATCH_UP_MS).catch(() => undefined)])
    this.#watches.close()
    this.#scope.cancel()
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StoreClosed()
  }

  /** A reader joins the read that starts next, never one that has started: it must see everything acknowledged before its call. */
  #readPoint(): Promise<number> {
    if (this.#reading === undefined) return this.#startReading()
    this.#readingNext ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#readingNext = undefined
        return this.#startReading()
      })
    return this.#readingNext
  }

  #startReading(): Promise<number> {
    const reading = this.#readRevision().finally(() => {
      if (this.#reading === reading) this.#reading = undefined
    })
    this.#reading = reading
    return reading
  }

  async #readRevision(): Promise<number> {
    const { revision } = rangeAnswer(await this.#read('KV/Range', rangeRequest({ key: NO_KEY, countOnly: true })))
    this.#known.reached(revision)
    this.#watches.hurry()
    return revision
  }

  /** etcd tells how far it has been compacted only to a watch that comes too late. */
  async #learnCompaction(): Promise<void> {
    try {
      await this.#members.call('KV/Range', rangeRequest({ key: NO_KEY, revision: 1, countOnly: true }), false)
      return
    } catch (error) {
      if (!(error instanceof RpcFailed)) throw error
      if (error.message !== COMPACTED) throw this.#refusal(error)
    }
    await new Promise<void>((resolve) => {
      const scope = this.#scope.child()
      const over = (): void => {
        scope.cancel()
        resolve()
      }
      this.#watches.add(scope, { prefix: '\0', fromRevision: 1 }, { onEvents: () => undefined, onEnd: over })
    })
  }

  async #range(ask: RangeAsk, atRevision: number | undefined, span?: Span): Promise<RangeAnswer> {
    this.#checkOpen()
    if (atRevision !== undefined && !(atRevision >= 1)) throw new InvalidStoreRequest('the first revision of a store is 1')
    try {
      const at = atRevision === undefined ? {} : { revision: atRevision }
      const answer = rangeAnswer(await this.#call('KV/Range', rangeRequest({ ...ask, ...at }), false, span))
      this.#known.reached(answer.revision)
      return answer
    } catch (error) {
      if (!(error instanceof RpcFailed)) throw error
      const asked = atRevision ?? 0
      if (error.message === FUTURE) throw new FutureRevision(asked, await this.#readRevision())
      if (error.message !== COMPACTED) throw this.#refusal(error)
      if (this.compactedRevision <= asked) await this.#learnCompaction()
      throw new Compacted(this.compactedRevision)
    }
  }

  async #read(method: string, message: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#members.call(method, message, false)
    } catch (error) {
      throw error instanceof RpcFailed ? this.#refusal(error) : error
    }
  }

  async #write(method: string, message: Uint8Array, transaction: Transaction): Promise<Uint8Array> {
    try {
      return await this.#call(method, message, true, transaction.span)
    } catch (error) {
      if (!(error instanceof RpcFailed)) throw error
      if (error.message === NO_LEASE) {
        const leases = transaction.operations.map((one) => (one.kind === 'put' ? one.lease : undefined))
        throw new LeaseNotFound(leases.find((lease) => lease !== undefined) ?? 0)
      }
      throw this.#refusal(error)
    }
  }

  /** A call that etcd is told the trace of, where there is one. */
  async #call(method: string, message: Uint8Array, isWrite: boolean, within: Span | undefined): Promise<Uint8Array> {
    if (within === undefined) return this.#members.call(method, message, isWrite)
    const name = `etcdserverpb.${method}`
    const span = within.start(name, { 'rpc.method': name, 'rpc.system.name': 'grpc' }, 'client')
    try {
      return await this.#members.call(method, message, isWrite, span.traceHeaders())
    } catch (error) {
      span.fail(messageOf(error))
      throw error
    } finally {
      span.end()
    }
  }

  /** etcd has said no, and nothing has happened. */
  #refusal(failure: RpcFailed): Error {
    if (failure.status === INVALID_ARGUMENT) return new InvalidStoreRequest(failure.message)
    if (failure.status === RESOURCE_EXHAUSTED) this.#scope.log.error('etcd takes no more writes', { error: failure.message })
    return new StoreFailed(failure)
  }
}
