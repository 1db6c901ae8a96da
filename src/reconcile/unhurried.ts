import type { Clock } from '#base'
import type { Result } from './contract.ts'

/** For no longer than this is a status put off. */
const MOST_MS = 3_000

/**
 * Keeps what is only told of a key behind what is still to be done for others: while keys wait for a worker, a status that is not the last one of
 * what is under way waits until none does or the key's next event comes, three seconds at most. Who has time tells every step.
 */
export class Unhurried {
  readonly #clock: Clock
  readonly #othersWait: () => boolean
  readonly #sinceMs = new Map<string, number>()

  constructor(clock: Clock, othersWait: () => boolean) {
    this.#clock = clock
    this.#othersWait = othersWait
  }

  /** What reconcile returns in place of writing the status; undefined when it is to be written now. */
  putOff(key: string): Result | undefined {
    const nowMs = this.#clock.monotonic()
    const sinceMs = this.#sinceMs.get(key) ?? nowMs
    const mostMs = sinceMs + MOST_MS - nowMs
    if (!this.#othersWait() || mostMs <= 0) {
      this.#sinceMs.delete(key)
      return undefined
    }
    this.#sinceMs.set(key, sinceMs)
    return { kind: 'last', mostMs }
  }

  /** It has been told, or is gone. */
  forget(key: string): void {
    this.#sinceMs.delete(key)
  }
}
