import type { Clock, Timer } from '#base'

/** Keys that come up later, with one timer for all of them. */
export class DueList {
  readonly #clock: Clock
  readonly #run: (keys: readonly string[]) => void
  readonly #due = new Map<string, number>()
  #timer: Timer | undefined
  #atMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, run: (keys: readonly string[]) => void) {
    this.#clock = clock
    this.#run = run
  }

  /** Replaces what was said about the key before. */
  add(key: string, untilMs: number): void {
    this.#due.set(key, untilMs)
    if (untilMs < this.#atMs) this.#arm(untilMs)
  }

  remove(key: string): void {
    this.#due.delete(key)
  }

  close(): void {
    this.#timer?.cancel()
    this.#due.clear()
  }

  #arm(atMs: number): void {
    this.#timer?.cancel()
    this.#atMs = atMs
    // Those that are due within the same tenth of a second come up together.
    this.#timer = this.#clock.after(Math.max(100, atMs - this.#clock.now()), () => this.#fire(), { background: true })
  }

  #fire(): void {
    this.#atMs = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.now()
    const ready: string[] = []
    let nextMs = Number.POSITIVE_INFINITY
    for (const [key, untilMs] of this.#due) {
      if (untilMs <= nowMs) {
        ready.push(key)
        this.#due.delete(key)
      } else nextMs = Math.min(nextMs, untilMs)
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#arm(nextMs)
    if (ready.length > 0) this.#run(ready)
  }
}
