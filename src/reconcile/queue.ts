import type { Clock, Timer } from '#base'
import type { QueueMeter, QueueState } from './queue-metrics.ts'

/**
 * Keys that wait to be worked on. A key is in it once, however often it is added; a key that is being worked on is put back when the
 * work is done. `run` is called as soon as a key and a place are free, so an idle queue costs nothing.
 */
export class WorkQueue implements QueueState {
  readonly #clock: Clock
  readonly #places: number
  readonly #run: (key: string) => Promise<void>
  readonly #meter: QueueMeter | undefined
  /** With the time since when they wait. */
  readonly #ready = new Map<string, number>()
  /** With the time since when they are worked on. */
  readonly #running = new Map<string, number>()
  readonly #again = new Set<string>()
  /** Those whose turn comes when no other waits, with the timers that end their patience. */
  readonly #last = new Map<string, Timer>()
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly timer: Timer }>()
  #open = false
  #closed = false
  #idle: (() => void)[] = []

  /** `run` must not reject: what failed is for its caller to put back with a delay. */
  constructor(clock: Clock, places: number, run: (key: string) => Promise<void>, meter?: QueueMeter) {
    this.#clock = clock
    this.#meter = meter
    this.#places = places
    this.#run = run
  }

  get depth(): number {
    return this.#ready.size + this.#again.size + this.#last.size
  }
  /** Whether a key waits for a place, and not only for its own work to end. */
  get isFull(): boolean {
    return this.#ready.size > 0
  }
  get running(): number {
    return this.#running.size
  }
  get startedMs(): Iterable<number> {
    return this.#running.values()
  }
  get delayed(): number {
    return this.#delayed.size
  }

  /** Keys may be added before; work starts now. */
  open(): void {
    this.#open = true
    this.#pump()
  }

  add(key: string): void {
    if (this.#closed) return
    this.#leaveLast(key)
    if (this.#running.has(key)) {
      if (!this.#again.has(key)) this.#counted()
      this.#again.add(key)
    } else this.#enter(key)
    this.#pump()
  }

  /** When the key waits already, the earlier time counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return
    if (delayMs <= 0) return this.add(key)
    const dueMs = this.#clock.monotonic() + delayMs
    const waiting = this.#delayed.get(key)
    if (waiting !== undefined && waiting.dueMs <= dueMs) return
    waiting?.timer.cancel()
    const run = (): void => {
      this.#delayed.delete(key)
      this.add(key)
    }
    this.#delayed.set(key, { dueMs, timer: this.#clock.after(delayMs, run, { background: true }) })
  }

  /** The key's turn comes when no other waits for a place, and after `mostMs` at the latest. */
  addLast(key: string, mostMs: number): void {
    if (this.#closed || this.#again.has(key) || this.#ready.has(key) || this.#last.has(key)) return
    this.#last.set(
      key,
      this.#clock.after(mostMs, () => this.add(key), { background: true }),
    )
    this.#pump()
  }

  #leaveLast(key: string): void {
    this.#last.get(key)?.cancel()
    this.#last.delete(key)
  }

  /** Nothing new starts. Resolves when what is under way is done. */
  close(): Promise<void> {
    this.#closed = true
    for (const { timer } of this.#delayed.values()) timer.cancel()
    this.#delayed.clear()
    this.#ready.clear()
    this.#again.clear()
    for (const key of this.#last.keys()) this.#leaveLast(key)
    return this.#running.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve))
  }

  #enter(key: string): void {
    if (this.#ready.has(key)) return
    this.#counted()
    this.#ready.set(key, this.#clock.monotonic())
  }
  #counted(): void {
    if (this.#meter !== undefined) this.#meter.adds.value++
  }

  #pump(): void {
    if (!this.#open || this.#closed) return
    for (const [key, sinceMs] of this.#ready) {
      if (this.#running.size >= this.#places) return
      this.#ready.delete(key)
      this.#start(key, sinceMs)
    }
    for (const key of this.#last.keys()) {
      if (this.#running.size >= this.#places || this.#ready.size > 0) return
      if (this.#running.has(key)) continue
      this.#leaveLast(key)
      this.#counted()
      this.#start(key, this.#clock.monotonic())
    }
  }

  #start(key: string, sinceMs: number): void {
    const nowMs = this.#clock.monotonic()
    this.#meter?.waits.observe((nowMs - sinceMs) / 1000)
    this.#running.set(key, nowMs)
    void this.#run(key).then(() => this.#finished(key))
  }

  #finished(key: string): void {
    const nowMs = this.#clock.monotonic()
    this.#meter?.works.observe((nowMs - (this.#running.get(key) ?? nowMs)) / 1000)
    this.#running.delete(key)
    if (this.#again.delete(key)) this.#ready.set(key, nowMs)
    if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
    this.#pump()
  }
}
