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
} from './engine.ts'

/** Turns a stored value into the one that is shown; the same array where there is nothing to do. */
export type Translate = (key: string, value: Uint8Array) => Uint8Array

/** A store of which others have written some values in another form. What is written here is written as it is. */
export class TranslatedStore implements Engine {
  readonly #engine: Engine
  readonly #translate: Translate

  constructor(engine: Engine, translate: Translate) {
    this.#engine = engine
    this.#translate = translate
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

  async commit(transaction: Transaction): Promise<CommitResult> {
    const result = await this.#engine.commit(transaction)
    return result.succeeded ? result : { ...result, otherwise: result.otherwise.map((one) => one && this.#shown(one)) }
  }

  get(key: string, atRevision?: number): KeyValue | undefined | Promise<KeyValue | undefined> {
    const found = this.#engine.get(key, atRevision)
    if (found instanceof Promise) return found.then((one) => one && this.#shown(one))
    return found && this.#shown(found)
  }

  range(query: RangeQuery): RangeResult | Promise<RangeResult> {
    const found = this.#engine.range(query)
    if (query.keysOnly) return found
    const show = (result: RangeResult): RangeResult => ({ ...result, items: result.items.map((one) => this.#shown(one)) })
    return found instanceof Promise ? found.then(show) : show(found)
  }

  watch(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void {
    this.#engine.watch(scope, query, {
      ...callbacks,
      onEvents: (events, revision) =>
        callbacks.onEvents(
          events.flatMap((event) => this.#shownEvent(scope, event)),
          revision,
        ),
    })
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
    await this.#engine[Symbol.asyncDispose]()
  }

  #shown(found: KeyValue): KeyValue {
    const value = this.#translate(found.key, found.value)
    return value === found.value ? found : { ...found, value }
  }

  /** What cannot be read is left out and named in the log: one value must not end the watch of all others. */
  #shownEvent(scope: Scope, event: StoreEvent): StoreEvent[] {
    try {
      const current = this.#shown(event.current)
      const previous = event.previous && this.#shown(event.previous)
      if (current === event.current && previous === event.previous) return [event]
      return [{ ...event, current, ...(previous === undefined ? {} : { previous }) }]
    } catch (error) {
      scope.log.error('a change is not shown', { key: event.key, error })
      return []
    }
  }
}
