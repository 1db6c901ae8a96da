import { TimedHistogram } from '#base'

/** As often as kube-apiserver sums up what its levels want. */
const PERIOD_MS = 10_000

const DEMAND_BOUNDS = [0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6]
const SEAT_BOUNDS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1]
const REQUEST_BOUNDS = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1]

/** Seats that a level could have used, over a period. */
export interface DemandPeriod {
  readonly most: number
  readonly average: number
  readonly deviation: number
}

/** What the demand of one priority level was over time. Told of each request that begins, ends, waits or gives up. */
export class LevelDemand {
  /** In parts of the level's own seats. */
  readonly demand: TimedHistogram
  readonly seats: TimedHistogram
  /** In parts of the room in its queues. */
  readonly waiting: TimedHistogram
  readonly executing: TimedHistogram
  #nominal = 1
  #room = 1
  #waitingCount = 0
  #executingCount = 0
  #last: DemandPeriod = { most: 0, average: 0, deviation: 0 }
  #startedMs: number
  #settledMs: number
  #most = 0
  /** Demand times milliseconds, and its square times milliseconds. */
  #sum = 0
  #squares = 0

  constructor(nowMs: number) {
    this.demand = new TimedHistogram(DEMAND_BOUNDS, nowMs)
    this.seats = new TimedHistogram(SEAT_BOUNDS, nowMs)
    this.waiting = new TimedHistogram(REQUEST_BOUNDS, nowMs)
    this.executing = new TimedHistogram(REQUEST_BOUNDS, nowMs)
    this.#startedMs = this.#settledMs = nowMs
  }

  /** `room`: how many requests its queues hold at most. */
  limit(nominal: number, room: number): void {
    this.#nominal = Math.max(nominal, 1)
    this.#room = Math.max(room, 1)
  }

  executes(more: 1 | -1, nowMs: number): void {
    this.#settle(nowMs)
    this.#executingCount += more
    const part = this.#executingCount / this.#nominal
    this.seats.set(part, nowMs)
    this.executing.set(part, nowMs)
    this.#demanded(nowMs)
  }

  waits(more: 1 | -1, nowMs: number): void {
    this.#settle(nowMs)
    this.#waitingCount += more
    this.waiting.set(this.#waitingCount / this.#room, nowMs)
    this.#demanded(nowMs)
  }

  /** The last period that has ended, with the figures of now. */
  read(nowMs: number): DemandPeriod {
    this.#settle(nowMs)
    for (const histogram of [this.demand, this.seats, this.waiting, this.executing]) histogram.settle(nowMs)
    return this.#last
  }

  #demanded(nowMs: number): void {
    const demand = this.#executingCount + this.#waitingCount
    this.demand.set(demand / this.#nominal, nowMs)
    if (demand > this.#most) this.#most = demand
  }

  #settle(nowMs: number): void {
    const demand = this.#executingCount + this.#waitingCount
    let endMs = this.#startedMs + PERIOD_MS
    if (nowMs >= endMs) {
      this.#add(demand, endMs)
      const average = this.#sum / PERIOD_MS
      this.#last = { most: this.#most, average, deviation: Math.sqrt(Math.max(0, this.#squares / PERIOD_MS - average * average)) }
      const whole = Math.floor((nowMs - endMs) / PERIOD_MS)
      // Nothing has changed since then.
      if (whole > 0) this.#last = { most: demand, average: demand, deviation: 0 }
      endMs += whole * PERIOD_MS
      this.#startedMs = this.#settledMs = endMs
      this.#sum = this.#squares = 0
      this.#most = demand
    }
    this.#add(demand, nowMs)
  }

  #add(demand: number, untilMs: number): void {
    const passedMs = untilMs - this.#settledMs
    this.#settledMs = untilMs
    if (demand === 0) return
    this.#sum += demand * passedMs
    this.#squares += demand * demand * passedMs
  }
}
