import type { Clock } from '#base'
import type { ResourceCache } from '../cache.ts'
import type { Snapshot } from './ordered-index.ts'

/** Snapshots of lists that are being paged through. What is no longer here is read from the store's history. */
export class PageStore {
  readonly #clock: Clock
  readonly #limit: number
  readonly #keepMs: number
  readonly #kept = new Map<string, { readonly snapshot: Snapshot; readonly until: number }>()

  constructor(clock: Clock, limit = 32, keepMs = 60_000) {
    this.#clock = clock
    this.#limit = limit
    this.#keepMs = keepMs
  }

  keep(cache: ResourceCache, revision: number, snapshot: Snapshot): void {
    const key = `${revision}:${cache.prefix}`
    const now = this.#clock.monotonic()
    this.#kept.delete(key)
    this.#kept.set(key, { snapshot, until: now + this.#keepMs })
    for (const [old, { until }] of this.#kept) {
      if (this.#kept.size <= this.#limit && until > now) break
      this.#kept.delete(old)
    }
  }

  find(cache: ResourceCache, revision: number): Snapshot | undefined {
    return this.#kept.get(`${revision}:${cache.prefix}`)?.snapshot
  }
}
