import type { Engine, StoreEvent } from '#store'
import type { Scope } from '#base'

export interface HubSubscriber {
  readonly prefix: string
  onEvents(events: readonly StoreEvent[], revision: number): void
  /** The stream of changes has a hole: read everything again. */
  onReset(): void
}

/** All keys of the API server lie below this. */
export const ROOT = '/registry/'

/**
 * One watch on the store for all resources. Because it sees every transaction, it knows that a cache is up to date without
 * asking the store: when the hub has reached a revision, all caches have.
 */
export class ChangeHub {
  readonly #scope: Scope
  readonly #engine: Engine
  readonly #subscribers = new Map<string, HubSubscriber>()
  #revision: number
  #waiting: { readonly revision: number; readonly run: () => void }[] = []

  constructor(scope: Scope, engine: Engine) {
    this.#scope = scope
    this.#engine = engine
    this.#revision = engine.revision
    this.#follow(this.#revision + 1)
  }

  get revision(): number {
    return this.#revision
  }

  /** Everything that the store has acknowledged so far has been seen here. Only a store with other writers has to be asked. */
  current(): Promise<void> | undefined {
    if (this.#engine.shared) return this.#engine.commit({ operations: [] }).then(({ revision }) => this.reached(revision))
    return this.#engine.revision <= this.#revision ? undefined : this.reached(this.#engine.revision)
  }

  /** Undefined when it has been reached already: the usual case costs no promise. */
  reached(revision: number): Promise<void> | undefined {
    if (revision <= this.#revision) return undefined
    return new Promise((run) => this.#waiting.push({ revision, run }))
  }

  subscribe(subscriber: HubSubscriber): void {
    this.#subscribers.set(subscriber.prefix, subscriber)
  }
  unsubscribe(subscriber: HubSubscriber): void {
    if (this.#subscribers.get(subscriber.prefix) === subscriber) this.#subscribers.delete(subscriber.prefix)
  }

  #follow(fromRevision: number): void {
    this.#engine.watch(
      this.#scope,
      { prefix: ROOT, fromRevision },
      {
        onEvents: (events, revision) => {
          // A reader that fails is a bug of that reader: the others must not lose their place, and reading everything again would only fail again.
          try {
            this.#deliver(events, revision)
          } catch (error) {
            this.#scope.log.error('an event could not be taken in', { revision, error })
          }
          this.#advance(revision)
        },
        onProgress: (revision) => this.#advance(revision),
        onEnd: (error) => {
          if (this.#scope.signal.aborted) return
          this.#scope.log.error('the watch on the store ended, reading everything again', { error })
          this.#revision = this.#engine.revision
          const subscribers = [...this.#subscribers.values()]
          for (const subscriber of subscribers) {
            // Whoever reads at once finds caches that are not filled yet: that must not keep the others from going on.
            try {
              subscriber.onReset()
            } catch (error) {
              this.#scope.log.warn('a reader could not begin again at once', { error })
            }
          }
          this.#follow(this.#revision + 1)
          this.#advance(this.#revision)
        },
      },
    )
  }

  #deliver(events: readonly StoreEvent[], revision: number): void {
    const [only] = events
    if (events.length === 1 && only !== undefined) {
      this.#subscriberOf(only.key)?.onEvents(events, revision)
      return
    }
    const parts = new Map<HubSubscriber, StoreEvent[]>()
    for (const event of events) {
      const subscriber = this.#subscriberOf(event.key)
      if (subscriber === undefined) continue
      const part = parts.get(subscriber)
      if (part === undefined) parts.set(subscriber, [event])
      else part.push(event)
    }
    for (const [subscriber, part] of parts) subscriber.onEvents(part, revision)
  }

  /** Prefixes end in a slash and none contains another: cutting the key at its slashes finds the one subscriber. */
  #subscriberOf(key: string): HubSubscriber | undefined {
    for (let slash = key.indexOf('/', ROOT.length); slash !== -1; slash = key.indexOf('/', slash + 1)) {
      const subscriber = this.#subscribers.get(key.slice(0, slash + 1))
      if (subscriber !== undefined) return subscriber
    }
    return undefined
  }

  #advance(revision: number): void {
    if (revision <= this.#revision) return
    this.#revision = revision
    if (this.#waiting.length === 0) return
    const due = this.#waiting.filter((one) => one.revision <= revision)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter((one) => one.revision > revision)
    for (const one of due) one.run()
  }
}
