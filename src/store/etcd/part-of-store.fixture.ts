import type { Scope } from '#base'
import type {
  CommitResult,
  Engine,
  EngineStats,
  KeyValue,
  LeaseId,
  RangeQuery,
  RangeResult,
  StoreEvent,
  Transaction,
  WatchCallbacks,
  WatchQuery,
} from '../engine.ts'
import { Compacted, FutureRevision } from '../errors.ts'

/**
 * The keys under a prefix, as if they were a store of their own that began at revision 1: so that many tests can use one etcd. Only names and
 * numbers are changed; nobody else may write meanwhile.
 */
export class PartOfStore implements Engine {
  readonly shared = true
  readonly #engine: Engine
  readonly #prefix: string
  readonly #base: number

  constructor(engine: Engine, prefix: string, firstRevision: number) {
    this.#engine = engine
    this.#prefix = prefix
    this.#base = firstRevision - 1
  }

  get revision(): number {
    return this.#engine.revision - this.#base
  }
  get compactedRevision(): number {
    return Math.max(this.#engine.compactedRevision - this.#base, 0)
  }

  async commit({ compare, operations, otherwiseGet }: Transaction): Promise<CommitResult> {
    const result = await this.#ask(() =>
      this.#engine.commit({
        ...(compare === undefined
          ? {}
          : { compare: compare.map(({ key, modRevision }) => ({ key: this.#in(key), modRevision: this.#up(modRevision) })) }),
        operations: operations.map((one) => ({ ...one, key: this.#in(one.key) })),
        ...(otherwiseGet === undefined ? {} : { otherwiseGet: otherwiseGet.map((key) => this.#in(key)) }),
      }),
    )
    const revision = result.revision - this.#base
    return result.succeeded
      ? { ...result, revision }
      : { ...result, revision, otherwise: result.otherwise.map((one) => one && this.#out(one)) }
  }

  async get(key: string, atRevision?: number): Promise<KeyValue | undefined> {
    const found = await this.#ask(() => this.#engine.get(this.#in(key), this.#at(atRevision)))
    return found && this.#out(found)
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    const { prefix, after, atRevision, ...rest } = query
    const result = await this.#ask(() =>
      this.#engine.range({
        ...rest,
        prefix: this.#prefix + prefix,
        ...(after === undefined ? {} : { after: this.#prefix + after }),
        ...(atRevision === undefined ? {} : { atRevision: atRevision + this.#base }),
      }),
    )
    return { ...result, revision: result.revision - this.#base, items: result.items.map((one) => this.#out(one)) }
  }

  watch(scope: Scope, { prefix, fromRevision, withPrevious }: WatchQuery, callbacks: WatchCallbacks): void {
    this.#engine.watch(
      scope,
      {
        prefix: this.#prefix + prefix,
        ...(fromRevision === undefined ? {} : { fromRevision: fromRevision + this.#base }),
        ...(withPrevious === undefined ? {} : { withPrevious }),
      },
      {
        onEvents: (events, revision) =>
          callbacks.onEvents(
            events.map((one) => this.#event(one)),
            revision - this.#base,
          ),
        onProgress: (revision) => callbacks.onProgress?.(revision - this.#base),
        onEnd: (error) => callbacks.onEnd(this.#error(error)),
      },
    )
  }

  async compact(revision: number): Promise<void> {
    await this.#ask(() => this.#engine.compact(revision + this.#base))
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
  async stats(): Promise<EngineStats> {
    const [stats, { count }] = await Promise.all([
      this.#engine.stats(),
      this.#engine.range({ prefix: this.#prefix, limit: 1, keysOnly: true }),
    ])
    return { ...stats, keys: count }
  }
  close(): Promise<void> {
    return this.#engine.close()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #in(key: string): string {
    return key === '' ? '' : this.#prefix + key
  }
  #up(revision: number): number {
    return revision === 0 ? 0 : revision + this.#base
  }
  #at(revision: number | undefined): number | undefined {
    return revision === undefined ? undefined : revision + this.#base
  }
  #out(found: KeyValue): KeyValue {
    const down = (revision: number): number => (revision === 0 ? 0 : revision - this.#base)
    return {
      ...found,
      key: found.key.slice(this.#prefix.length),
      createRevision: down(found.createRevision),
      modRevision: down(found.modRevision),
    }
  }
  #event(event: StoreEvent): StoreEvent {
    const shown = { ...event, key: event.key.slice(this.#prefix.length), current: this.#out(event.current) }
    return event.previous === undefined ? shown : { ...shown, previous: this.#out(event.previous) }
  }
  #error(error: Error): Error {
    if (error instanceof Compacted) return new Compacted(error.compactedRevision - this.#base)
    if (error instanceof FutureRevision) return new FutureRevision(0, error.revision - this.#base)
    return error
  }
  async #ask<T>(call: () => T | Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw error instanceof Error ? this.#error(error) : error
    }
  }
}
