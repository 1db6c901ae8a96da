import type { Clock } from '#base'

/** Values for as long as they may be kept; the least recently used go first. */
export class AgingCache<T> {
  readonly #clock: Clock
  readonly #most: number
  readonly #entries = new Map<string, { readonly value: T; readonly storedMs: number; readonly expiresMs: number }>()

  constructor(clock: Clock, most = 2048) {
    this.#clock = clock
    this.#most = most
  }

  get(key: string): { readonly value: T; readonly ageSeconds: number } | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const now = this.#clock.monotonic()
    this.#entries.delete(key)
    if (entry.expiresMs <= now) return undefined
    this.#entries.set(key, entry)
    return { value: entry.value, ageSeconds: Math.floor((now - entry.storedMs) / 1000) }
  }

  set(key: string, value: T, lifeSeconds: number): void {
    if (lifeSeconds <= 0) return
    const now = this.#clock.monotonic()
    this.#entries.delete(key)
    this.#entries.set(key, { value, storedMs: now, expiresMs: now + lifeSeconds * 1000 })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#most && oldest !== undefined) this.#entries.delete(oldest)
  }
}
