import type { HistogramSamples } from './metric-text.ts'

const NANOSECONDS = 1e6

/** For how long a value was at most so large: it counts the nanoseconds. The owner tells of each change, with a clock that never goes back. */
export class TimedHistogram implements HistogramSamples {
  readonly bounds: readonly number[]
  readonly counts: Float64Array
  sum = 0
  count = 0
  #value = 0
  #sinceMs: number

  constructor(bounds: readonly number[], nowMs: number) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length)
    this.#sinceMs = nowMs
  }

  /** From now on the value is this one. */
  set(value: number, nowMs: number): void {
    this.settle(nowMs)
    this.#value = value
  }

  /** Counts what has passed until now: before the figures are read. */
  settle(nowMs: number): void {
    const passed = Math.round((nowMs - this.#sinceMs) * NANOSECONDS)
    if (passed <= 0) return
    this.#sinceMs = nowMs
    const value = this.#value
    this.sum += value * passed
    this.count += passed
    const { bounds, counts } = this
    for (let at = 0; at < bounds.length; at++) {
      if (value <= (bounds[at] as number)) {
        counts[at] = (counts[at] as number) + passed
        return
      }
    }
  }
}
