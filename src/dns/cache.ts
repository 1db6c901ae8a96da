import type { Clock } from '#base'

/** Answers of other servers, for as long as they may be kept; the least recently used go first. Keeps negative answers too. */
export class AnswerCache {
  readonly #clock: Clock
  readonly #most: number
  readonly #entries = new Map<string, { readonly raw: Buffer; readonly storedMs: number; readonly expiresMs: number }>()

  constructor(clock: Clock, most = 2048) {
    this.#clock = clock
    this.#most = most
  }

  get(key: string): { readonly raw: Buffer; readonly ageSeconds: number } | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const now = this.#clock.monotonic()
    this.#entries.delete(key)
    if (entry.expiresMs <= now) return undefined
    this.#entries.set(key, entry)
    return { raw: entry.raw, ageSeconds: Math.floor((now - entry.storedMs) / 1000) }
  }

  set(key: string, raw: Buffer, ttlSeconds: number): void {
    if (ttlSeconds <= 0) return
    const now = this.#clock.monotonic()
    this.#entries.delete(key)
    this.#entries.set(key, { raw, storedMs: now, expiresMs: now + ttlSeconds * 1000 })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#most && oldest !== undefined) this.#entries.delete(oldest)
  }
}
