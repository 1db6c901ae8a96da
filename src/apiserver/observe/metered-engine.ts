import type { Clock, Scope } from '#base'
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
} from '#store'
import type { StoreMetrics, StoreOperation } from './store-metrics.ts'

/** The store, with a watch in hand: what is asked of it, how long that takes, and what fails. */
export class MeteredEngine implements Engine {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #metrics: StoreMetrics

  constructor(engine: Engine, clock: Clock, metrics: StoreMetrics) {
    this.#engine = engine
    this.#clock = clock
    this.#metrics = metrics
  }

  get shared(): boolean {
    return this.#engine.shared
  }
  get revision(): number {
    return this.#engine.revision
  }
  get compactedRevision(): number {
    return this.#engine.compactedRevision
  }

  commit(transaction: Transaction): Promise<CommitResult> {
    const [first] = transaction.operations
    if (first === undefined) return this.#engine.commit(transaction)
    const isNew = transaction.compare?.some(({ key, modRevision }) => key === first.key && modRevision === 0) === true
    const operation = first.kind === 'delete' ? 'delete' : isNew ? 'create' : 'update'
    const startedAt = this.#clock.monotonic()
    const committing = this.#engine.commit(transaction)
    committing.then(
      () => this.#metrics.done(operation, first.key, this.#clock.monotonic() - startedAt, false),
      () => this.#metrics.done(operation, first.key, this.#clock.monotonic() - startedAt, true),
    )
    return committing
  }
  get(key: string, atRevision?: number): KeyValue | undefined | Promise<KeyValue | undefined> {
    return this.#timed('get', key, () => this.#engine.get(key, atRevision))
  }
  range(query: RangeQuery): RangeResult | Promise<RangeResult> {
    const answer = this.#timed('list', query.prefix, () => this.#engine.range(query))
    const listed = ({ items }: RangeResult): void => this.#metrics.listed(query.prefix, items.length)
    if (answer instanceof Promise) answer.then(listed, () => undefined)
    else listed(answer)
    return answer
  }
  watch(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void {
    this.#engine.watch(scope, query, callbacks)
  }
  compact(revision: number): Promise<void> {
    return this.#engine.compact(revision)
  }
  grantLease(ttlSeconds: number): Promise<LeaseId> {
    return this.#engine.grantLease(ttlSeconds)
  }
  renewLease(lease: LeaseId): Promise<void> {
    return this.#engine.renewLease(lease)
  }
  revokeLease(lease: LeaseId): Promise<void> {
    return this.#engine.revokeLease(lease)
  }
  stats(): EngineStats | Promise<EngineStats> {
    return this.#engine.stats()
  }
  close(): Promise<void> {
    return this.#engine.close()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #timed<T>(operation: StoreOperation, key: string, ask: () => T | Promise<T>): T | Promise<T> {
    const startedAt = this.#clock.monotonic()
    const done = (failed: boolean): void => this.#metrics.done(operation, key, this.#clock.monotonic() - startedAt, failed)
    let answer: T | Promise<T>
    try {
      answer = ask()
    } catch (error) {
      done(true)
      throw error
    }
    if (!(answer instanceof Promise)) {
      done(false)
      return answer
    }
    answer.then(
      () => done(false),
      () => done(true),
    )
    return answer
  }
}
