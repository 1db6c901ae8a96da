import { observe } from './observe.ts'
import { metThresholds } from './plan-eviction.ts'
import { type Signal, amountOf, parseThresholds } from './thresholds.ts'

/** Something of which there is so little that a node would evict pods: bytes, or how many. */
export interface Shortage {
  readonly signal: Signal
  readonly available: number
  readonly least: number
}

/** As a node with these hard thresholds (`--eviction-hard`) and its files on the file system of `dir` sees it at this moment. */
export function shortagesNow(dir: string, hard: string): readonly Shortage[] {
  const observed = observe(dir)
  return metThresholds(parseThresholds(hard), observed, [], 0).flatMap(({ threshold }) => {
    const seen = observed.get(threshold.signal)
    return seen === undefined ? [] : [{ signal: threshold.signal, available: seen.available, least: amountOf(threshold, seen) }]
  })
}
