import type { Scope } from '#base'
import { dealHand } from './shuffle-shard.ts'

/** Why there is no seat. */
export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled'

/** What a priority level allows. */
export interface LevelLimits {
  readonly name: string
  /** Seats that are the level's own. */
  readonly nominal: number
  /** How many of them others may use as long as they are free. */
  readonly lendable: number
  /** How many it may use of others' at most. */
  readonly borrowable: number
  /** Absent: what does not find a seat is refused. */
  readonly queuing?: { readonly queues: number; readonly handSize: number; readonly lengthLimit: number }
}

interface Waiting {
  start(): void
  readonly queue: Queue
}
interface Queue {
  readonly waiting: Waiting[]
  /** Seats that its requests have had, in the time of the level: the queue that has had least comes next. */
  had: number
}

/** How requests of all levels share the server's seats. */
export class SeatPool {
  /** Requests of all levels that wait. */
  waiting = 0
  #levels: readonly Seats[] = []

  /** Seats that `asking` may have of others at this moment. */
  free(asking: Seats): number {
    let free = 0
    for (const level of this.#levels) if (level !== asking) free += level.spare
    return free
  }
  set(levels: readonly Seats[]): void {
    this.#levels = levels
  }
  /** A seat of one level has become free: those who wait elsewhere may have it. */
  offer(from: Seats): void {
    for (const level of this.#levels) if (level !== from && level.isWaiting) level.dispatch()
  }
}

/** The seats of one priority level, and who waits for one. */
export class Seats {
  readonly #pool: SeatPool
  #limits: LevelLimits
  #used = 0
  #waitingCount = 0
  /** By number; made when they are first used. */
  readonly #queues = new Map<number, Queue>()
  #time = 0

  constructor(pool: SeatPool, limits: LevelLimits) {
    this.#pool = pool
    this.#limits = limits
  }

  /** New limits hold for what comes; who waits, waits on. */
  settle(limits: LevelLimits): void {
    this.#limits = limits
    this.dispatch()
  }
  get isWaiting(): boolean {
    return this.#waitingCount > 0
  }
  /** Free seats that others may use now; negative for those that it uses of others. */
  get spare(): number {
    const { nominal, lendable } = this.#limits
    const free = nominal - this.#used
    return free < 0 ? free : Math.min(free, lendable)
  }

  /** Seats that it could have at this moment, with those that others lend. */
  get limit(): number {
    const { nominal, borrowable } = this.#limits
    return Math.max(nominal, Math.min(nominal + borrowable, Math.max(this.#used, nominal) + this.#borrowable()))
  }

  /** The usual case: takes a seat when there is one and nobody waits. */
  tryTake(): boolean {
    if (this.#waitingCount > 0 || !this.#hasSeat()) return false
    this.#used++
    return true
  }

  release(): void {
    this.#used--
    if (this.#pool.waiting === 0) return
    if (this.#waitingCount > 0) this.dispatch()
    else this.#pool.offer(this)
  }

  /**
   * Waits for a seat in the shortest queue of the flow's hand. Resolves with why there is none: the level has no queues, the queue is
   * full, the wait is too long, or whoever asks has gone. `queued` is told how long that queue is then.
   */
  async wait(scope: Scope, hash: bigint, waitMs: number, queued?: (length: number) => void): Promise<'granted' | Refusal> {
    const { queuing } = this.#limits
    if (queuing === undefined) return 'concurrency-limit'
    const hand = dealHand(hash, queuing.queues, queuing.handSize).map((at) => this.#queueAt(at))
    const queue = hand.reduce((best, one) => (one.waiting.length < best.waiting.length ? one : best))
    if (queue.waiting.length >= queuing.lengthLimit) return 'queue-full'
    if (queue.waiting.length === 0) queue.had = Math.max(queue.had, this.#time)
    const { promise, resolve } = Promise.withResolvers<'granted' | Refusal>()
    const entry: Waiting = { queue, start: () => resolve('granted') }
    queue.waiting.push(entry)
    queued?.(queue.waiting.length)
    this.#waitingCount++
    this.#pool.waiting++
    const giveUp = (): void => {
      const at = queue.waiting.indexOf(entry)
      if (at === -1) return
      queue.waiting.splice(at, 1)
      this.#waitingCount--
      this.#pool.waiting--
      resolve(scope.signal.aborted ? 'cancelled' : 'time-out')
    }
    const timer = scope.clock.after(waitMs, giveUp, { background: true })
    scope.signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await promise
    } finally {
      timer.cancel()
      scope.signal.removeEventListener('abort', giveUp)
    }
  }

  /** Gives free seats to those who wait, the queue that has had least first. */
  dispatch(): void {
    while (this.#waitingCount > 0 && this.#hasSeat()) {
      let next: Queue | undefined
      for (const queue of this.#queues.values()) if (queue.waiting.length > 0 && (next === undefined || queue.had < next.had)) next = queue
      const entry = next?.waiting.shift()
      if (next === undefined || entry === undefined) return
      this.#waitingCount--
      this.#pool.waiting--
      this.#used++
      this.#time = next.had
      next.had++
      entry.start()
    }
  }

  #queueAt(at: number): Queue {
    const known = this.#queues.get(at)
    if (known !== undefined) return known
    const made: Queue = { waiting: [], had: this.#time }
    this.#queues.set(at, made)
    return made
  }

  #hasSeat(): boolean {
    const { nominal, borrowable } = this.#limits
    if (this.#used < nominal) return true
    return this.#used - nominal < borrowable && this.#borrowable() > 0
  }

  /** Seats of others that it could have beside those that it has. */
  #borrowable(): number {
    return Math.max(0, this.#pool.free(this) + Math.min(0, this.#limits.nominal - this.#used))
  }
}
