import { type Scope, isCancelled, messageOf } from '#base'
import { type KubeObject, StatusError } from '#api'
import type { ResourceClient } from '#client'

/** Beyond that many, objects are only read again from time to time: each watch is a connection. */
const MOST_WATCHES = 200
const AGAIN_MS = { least: 500, most: 30_000 }
const WATCH_SECONDS = { least: 300, spread: 300 }
const FORBIDDEN = 403

/** Watches single objects by their names, so that no other object of the kind is ever seen. Who may not watch them does without. */
export class NamedWatches<T extends KubeObject> {
  readonly #scope: Scope
  readonly #source: ResourceClient<T>
  readonly #onSeen: (key: string, resourceVersion: string) => void
  readonly #watched = new Map<string, () => void>()
  #isForbidden = false

  /** `onSeen` is told of what is there when a watch begins, too; it may be told of nothing new. */
  constructor(scope: Scope, source: ResourceClient<T>, onSeen: (key: string, resourceVersion: string) => void) {
    this.#scope = scope
    this.#source = source
    this.#onSeen = onSeen
  }

  /** By `namespace/name`. */
  follow(key: string): void {
    if (this.#isForbidden || this.#watched.has(key) || this.#watched.size >= MOST_WATCHES) return
    const within = this.#scope.child()
    this.#watched.set(key, () => within.cancel())
    void this.#watch(within, key)
  }

  leave(key: string): void {
    this.#watched.get(key)?.()
    this.#watched.delete(key)
  }

  /** Ends with the scope. */
  async #watch(scope: Scope, key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/')
    let pauseMs = AGAIN_MS.least
    while (!scope.signal.aborted && !this.#isForbidden) {
      const startMs = scope.clock.monotonic()
      try {
        const timeoutSeconds = WATCH_SECONDS.least + Math.floor(scope.random.float() * WATCH_SECONDS.spread)
        const options = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion: '0', timeoutSeconds }
        for await (const { object } of this.#source.watch(scope, options)) this.#onSeen(key, object.metadata?.resourceVersion ?? '')
      } catch (error) {
        if (error instanceof StatusError && error.httpStatus === FORBIDDEN) this.#stop()
        else if (!isCancelled(error))
          scope.log.debug('a watch was broken off', { resource: this.#source.ref.plural, error: messageOf(error) })
      }
      // One that has lasted is begun again at once: what happened meanwhile is told at its beginning.
      pauseMs = scope.clock.monotonic() - startMs > AGAIN_MS.most ? AGAIN_MS.least : Math.min(pauseMs * 2, AGAIN_MS.most)
      await scope.sleep(pauseMs).catch(() => undefined)
    }
  }

  #stop(): void {
    if (this.#isForbidden) return
    this.#isForbidden = true
    this.#scope.log.info('objects are read once a minute: they may not be watched by name', { resource: this.#source.ref.plural })
    for (const cancel of this.#watched.values()) cancel()
    this.#watched.clear()
  }
}
