import type { Clock } from '#base'

/** Answers that are good for a while. There are never more than `most`: the oldest go first. */
export class ExpiringAnswers<T> {
  readonly #clock: Clock
  readonly #most: number
  readonly #answers = new Map<string, { readonly value: T; readonly endsAt: number }>()

  constructor(clock: Clock, most: number) {
    this.#clock = clock
    this.#most = most
  }

  get(key: string): T | undefined {
    const found = this.#answers.get(key)
    if (found === undefined) return undefined
    if (this.#clock.monotonic() < found.endsAt) return found.value
    this.#answers.delete(key)
    return undefined
  }

  /** Kept not at all for no time. */
  keep(key: string, value: T, lifeMs: number): void {
    if (lifeMs <= 0) return
    this.#answers.delete(key)
    this.#answers.set(key, { value, endsAt: this.#clock.monotonic() + lifeMs })
    if (this.#answers.size <= this.#most) return
    const [oldest] = this.#answers.keys()
    if (oldest !== undefined) this.#answers.delete(oldest)
  }
}
