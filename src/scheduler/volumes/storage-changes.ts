import type { Scope } from '#base'

/** Wakes those who wait for something about volumes to change. */
export class StorageChanges {
  readonly #waiting = new Set<() => void>()

  tell(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Resolves with the next change, or after so long; rejects when the scope ends. */
  next(scope: Scope, atMostMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(wake)
        timer.cancel()
        scope.signal.removeEventListener('abort', stop)
      }
      const wake = (): void => {
        end()
        resolve()
      }
      const stop = (): void => {
        end()
        reject(scope.signal.reason)
      }
      const timer = scope.clock.after(atMostMs, wake)
      this.#waiting.add(wake)
      if (scope.signal.aborted) return stop()
      scope.signal.addEventListener('abort', stop, { once: true })
    })
  }
}
