import { type Clock, PartMemo, type Scope } from '#base'
import type { Engine } from '#store'
import { type KubeObject, type Resource } from '#api'
import { ResourceCache } from './cache.ts'
import { ChangeHub } from './hub.ts'
import { PageStore } from './lists/page-store.ts'
import { ParsedPool } from './stored/parsed-pool.ts'

export interface CacheSetOptions {
  /** Changes kept for watchers that come back, per resource. */
  readonly ringBytes?: number
  /** Objects that are kept parsed, over all resources, by their encoded size. */
  readonly parsedBytes?: number
}

/** One cache for each kind of stored thing, whatever the number of versions in which it is served. */
export class CacheSet {
  readonly hub: ChangeHub
  readonly pages: PageStore
  readonly engine: Engine
  readonly clock: Clock
  /** Tells the caches what the bytes that this server writes stand for: the normalized object, read only. */
  readonly known = new WeakMap<Uint8Array, KubeObject>()
  /** What objects have in common. */
  readonly parts: PartMemo
  readonly #parsed: ParsedPool
  readonly #ringBytes: number
  readonly #caches = new Map<string, ResourceCache>()

  constructor(scope: Scope, engine: Engine, options: CacheSetOptions = {}) {
    this.engine = engine
    this.clock = scope.clock
    this.hub = new ChangeHub(scope, engine)
    this.pages = new PageStore(scope.clock)
    this.parts = new PartMemo(scope)
    this.#parsed = new ParsedPool(this.parts, options.parsedBytes)
    this.#ringBytes = options.ringBytes ?? 32 << 20
  }

  /** `stored` is the resource in the version that is stored. */
  of(stored: Resource, prefix: string): ResourceCache {
    const known = this.#caches.get(prefix)
    if (known !== undefined) return known
    const cache = new ResourceCache(stored, prefix, this.engine, this.hub, {
      ringBytes: this.#ringBytes,
      known: this.known,
      parsed: this.#parsed,
    })
    this.#caches.set(prefix, cache)
    return cache
  }

  /** Forgets a cache: its resource is no longer served, or has become another one. Its watches end. */
  drop(prefix: string): void {
    this.#caches.get(prefix)?.onReset()
    this.#caches.delete(prefix)
  }

  get all(): Iterable<ResourceCache> {
    return this.#caches.values()
  }
}
