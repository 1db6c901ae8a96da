/**
 * Time as an argument. Nothing outside this file reads the system's clock or sets a timer; tests pass a
 * clock that they move by hand.
 */
export interface Clock {
  /** Wall time in milliseconds since the epoch. It may jump. */
  now(): number
  /** Milliseconds from an arbitrary start; never goes back. For durations. */
  monotonic(): number
  /** Calls `run` once after `delayMs`, unless the timer is cancelled first. Does not keep the process alive when `background`. */
  after(delayMs: number, run: () => void, options?: { readonly background?: boolean }): Timer
}

export interface Timer {
  /** Idempotent; a timer that has fired is not affected. */
  cancel(): void
}

/** Node's timers fire at once for delays above this, so longer ones are taken in steps. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run, options) => new SystemTimer(delayMs, run, options?.background === true),
}

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout

  constructor(delayMs: number, run: () => void, background: boolean) {
    this.#handle = this.#arm(delayMs, run, background)
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }

  #arm(leftMs: number, run: () => void, background: boolean): NodeJS.Timeout {
    const stepMs = Math.min(Math.max(leftMs, 0), LONGEST_TIMER_MS)
    const handle = setTimeout(leftMs > stepMs ? () => (this.#handle = this.#arm(leftMs - stepMs, run, background)) : run, stepMs)
    if (background) handle.unref()
    return handle
  }
}

/**
 * Calls `run` when the input and output that is ready now has been handled, before the event loop waits again. Not a delay:
 * for work that gathers what arrives together, or that lets others have their turn.
 */
export function afterThisTurn(run: () => void): void {
  setImmediate(run)
}

/** RFC 3339 in UTC with whole seconds, the form of metav1.Time. */
export function rfc3339(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`
}

/** RFC 3339 in UTC with microseconds, the form of metav1.MicroTime. */
export function rfc3339Micro(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`
}
