import type { CancellableScope, Scope } from '#base'
import type {
  CommitResult,
  Engine,
  EngineStats,
  KeyValue,
  LeaseId,
  Operation,
  RangeQuery,
  RangeResult,
  StoreEvent,
  Transaction,
  WatchCallbacks,
  WatchQuery,
} from './engine.ts'

type Maybe<T> = T | Promise<T>

/**
 * A store whose values lie in another form in the one below. Keys, revisions, leases and everything else are as they are there.
 * Subclasses say what a value looks like on either side; where that takes a while, watches keep their order all the same.
 */
export abstract class MappedStore implements Engine {
  protected readonly engine: Engine
  /** What watches have still to be told. */
  readonly #telling = new Set<Promise<void>>()

  constructor(engine: Engine) {
    this.engine = engine
  }

  /** What is shown of a stored value; the same object where there is nothing to do. Not asked about values of deletions. */
  protected abstract shown(found: KeyValue): Maybe<KeyValue>
  /** What is written for what somebody wants to write. Default: just that. */
  protected written(operation: Operation): Maybe<Operation> {
    return operation
  }
  /** Called when an event cannot be shown. Returns to leave it out, throws to end the watch. Default: throws. */
  protected unreadable(_scope: Scope, _event: StoreEvent, error: unknown): void {
    throw error
  }

  get shared(): boolean {
    return this.engine.shared
  }
  get revision(): number {
    return this.engine.revision
  }
  get compactedRevision(): number {
    return this.engine.compactedRevision
  }

  async commit(transaction: Transaction): Promise<CommitResult> {
    const operations = all(transaction.operations.map((one) => this.written(one)))
    // Nothing is awaited where nothing has to be: transactions take effect in the order of the calls.
    const result = await then(operations, (ready) => this.engine.commit({ ...transaction, operations: ready }))
    if (result.succeeded) return result
    return { ...result, otherwise: await all(result.otherwise.map((one) => one && this.shown(one))) }
  }

  get(key: string, atRevision?: number): Maybe<KeyValue | undefined> {
    return then(this.engine.get(key, atRevision), (one) => one && this.shown(one))
  }

  range(query: RangeQuery): Maybe<RangeResult> {
    const found = this.engine.range(query)
    if (query.keysOnly) return found
    return then(found, (result) => then(all(result.items.map((one) => this.shown(one))), (items) => ({ ...result, items })))
  }

  watch(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void {
    const watching = scope.child()
    const map = (event: StoreEvent): Maybe<StoreEvent | undefined> => this.#shownEvent(scope, event)
    this.engine.watch(watching, query, new OrderedCallbacks(watching, callbacks, map, this.#telling))
  }

  compact(revision: number): Promise<void> {
    return this.engine.compact(revision)
  }
  grantLease(ttlSeconds: number): Promise<LeaseId> {
    return this.engine.grantLease(ttlSeconds)
  }
  renewLease(lease: LeaseId): Promise<void> {
    return this.engine.renewLease(lease)
  }
  revokeLease(lease: LeaseId): Promise<void> {
    return this.engine.revokeLease(lease)
  }
  stats(): Maybe<EngineStats> {
    return this.engine.stats()
  }
  async close(): Promise<void> {
    await this.engine.close()
    await Promise.all(this.#telling)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #shownEvent(scope: Scope, event: StoreEvent): Maybe<StoreEvent | undefined> {
    const leftOut = (error: unknown): undefined => {
      this.unreadable(scope, event, error)
      return undefined
    }
    try {
      const current = event.kind === 'delete' ? event.current : this.shown(event.current)
      const previous = event.previous && this.shown(event.previous)
      if (current === event.current && previous === event.previous) return event
      const mapped = then(current, (now) => then(previous, (before) => ({ ...event, current: now, ...(before && { previous: before }) })))
      return mapped instanceof Promise ? mapped.catch(leftOut) : mapped
    } catch (error) {
      return leftOut(error)
    }
  }
}

/** Hands on what the watch below says, in its order, though some events take a while to map. */
class OrderedCallbacks implements WatchCallbacks {
  readonly #scope: CancellableScope
  readonly #callbacks: WatchCallbacks
  readonly #map: (event: StoreEvent) => Maybe<StoreEvent | undefined>
  readonly #telling: Set<Promise<void>>
  /** The last of what waits for an event before it; undefined when nothing does. */
  #last: Promise<void> | undefined

  constructor(
    scope: CancellableScope,
    callbacks: WatchCallbacks,
    map: (event: StoreEvent) => Maybe<StoreEvent | undefined>,
    telling: Set<Promise<void>>,
  ) {
    this.#scope = scope
    this.#callbacks = callbacks
    this.#map = map
    this.#telling = telling
  }

  onEvents(events: readonly StoreEvent[], revision: number): void {
    const mapped = all(events.map((event) => this.#map(event)))
    this.#inOrder(mapped, (shown) =>
      this.#callbacks.onEvents(
        shown.filter((event) => event !== undefined),
        revision,
      ),
    )
  }

  onProgress(revision: number): void {
    this.#inOrder(undefined, () => this.#callbacks.onProgress?.(revision))
  }

  onEnd(error: Error): void {
    this.#inOrder(undefined, () => this.#end(error))
  }

  #end(error: Error): void {
    this.#scope.cancel(error)
    this.#callbacks.onEnd(error)
  }

  #inOrder<T>(value: Maybe<T>, tell: (value: T) => void): void {
    if (this.#last === undefined && !(value instanceof Promise)) return tell(value)
    const turn = this.#after(this.#last, value, tell)
    this.#last = turn
    this.#telling.add(turn)
    void turn.then(() => {
      this.#telling.delete(turn)
      if (this.#last === turn) this.#last = undefined
    })
  }

  async #after<T>(before: Promise<void> | undefined, value: Maybe<T>, tell: (value: T) => void): Promise<void> {
    try {
      const [ready] = await Promise.all([value, before])
      if (!this.#scope.signal.aborted) tell(ready)
    } catch (error) {
      if (!this.#scope.signal.aborted) this.#end(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

function then<T, U>(value: Maybe<T>, next: (value: T) => Maybe<U>): Maybe<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

function all<T>(values: readonly Maybe<T>[]): Maybe<readonly T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly T[])
}
