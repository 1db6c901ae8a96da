import { type CancellableScope, type Scope, type Timer, isCancelled } from '#base'

/** A pod that has come up by then has its volumes kept up to date from then on, whoever mounted them. */
const FIRST_MS = 30_000
/** Between two, whatever is said to be due: clocks differ. */
const LEAST_MS = 1000

/** When something in the volumes is due next (a token that ends): ms since the epoch. */
type NextMs = number | undefined

/**
 * Keeps one pod's volumes up to date from its start to their release: when something that they show has changed, and when something in them is due.
 * One refresh at a time; what comes while one is under way is one more after it.
 */
export class VolumeUpkeep implements Disposable {
  readonly #scope: CancellableScope
  readonly #refresh: (scope: Scope) => Promise<NextMs>
  readonly #isUp: () => boolean
  readonly #onDone: (failure?: unknown) => void
  #next: Timer | undefined
  #underWay: Promise<void> | undefined
  #again = false

  constructor(scope: Scope, refresh: (scope: Scope) => Promise<NextMs>, isUp: () => boolean, onDone: (failure?: unknown) => void) {
    this.#scope = scope.child()
    this.#refresh = refresh
    this.#isUp = isUp
    this.#onDone = onDone
    this.#planFor(this.#firstMs)
  }

  /** As soon as can be. */
  refresh(): void {
    if (this.#scope.signal.aborted) return
    if (!this.#isUp()) return this.#planFor(this.#firstMs)
    if (this.#underWay !== undefined) {
      this.#again = true
      return
    }
    this.#underWay = this.#once().finally(() => {
      this.#underWay = undefined
      if (!this.#again) return
      this.#again = false
      this.refresh()
    })
  }

  /** Breaks off what is under way, and resolves when nothing is written any more. Nothing begins after it. */
  async end(): Promise<void> {
    this[Symbol.dispose]()
    await this.#underWay
  }

  [Symbol.dispose](): void {
    this.#scope.cancel()
    this.#planFor(undefined)
  }

  get #firstMs(): number {
    return this.#scope.clock.now() + FIRST_MS
  }

  async #once(): Promise<void> {
    try {
      this.#planFor(await this.#refresh(this.#scope))
      this.#onDone()
    } catch (error) {
      if (!isCancelled(error)) this.#onDone(error)
      this.#planFor(this.#firstMs)
    }
  }

  #planFor(atMs: NextMs): void {
    this.#next?.cancel()
    this.#next = undefined
    if (atMs === undefined || this.#scope.signal.aborted) return
    const delayMs = Math.max(LEAST_MS, atMs - this.#scope.clock.now())
    this.#next = this.#scope.clock.after(delayMs, () => this.refresh(), { background: true })
  }
}
