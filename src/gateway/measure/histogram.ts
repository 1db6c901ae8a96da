/**
 * Times in buckets that grow by a fourth root of two, from 250 µs to a minute: two neighbours differ by 19 %, and a histogram is 73 numbers whatever it has seen.
 */
const FIRST_US = 250
const STEPS_OF_A_DOUBLING = 4
const DOUBLINGS = 18

/** Upper bounds in seconds, each inclusive; what is longer than the last one is in a bucket of its own. */
export const BOUNDS: readonly number[] = Array.from(
  { length: DOUBLINGS * STEPS_OF_A_DOUBLING },
  (_, at) => Number((FIRST_US * 2 ** (at / STEPS_OF_A_DOUBLING)).toFixed(0)) / 1e6,
)
export const BUCKETS = BOUNDS.length + 1

/** Of Prometheus' form, where each bucket is a line of text: the whole doublings. */
export const SHOWN_BOUNDS: readonly number[] = BOUNDS.map((_, at) => at).filter((at) => at % STEPS_OF_A_DOUBLING === 0)

export function bucketOf(us: number): number {
  if (us <= FIRST_US) return 0
  // Rounded bounds: the estimate may be one too low or too high.
  let at = Math.min(Math.ceil(Math.log2(us / FIRST_US) * STEPS_OF_A_DOUBLING), BUCKETS - 1)
  const seconds = us / 1e6
  while (at > 0 && seconds <= (BOUNDS[at - 1] ?? 0)) at--
  while (at < BOUNDS.length && seconds > (BOUNDS[at] ?? 0)) at++
  return at
}

/** Seconds that this share (0 to 1) took at most, evenly within a bucket; 0 of nothing. */
export function quantile(counts: ArrayLike<number>, share: number): number {
  let total = 0
  for (let at = 0; at < counts.length; at++) total += counts[at] ?? 0
  if (total === 0) return 0
  const wanted = share * total
  let seen = 0
  for (let at = 0; at < counts.length; at++) {
    const count = counts[at] ?? 0
    if (count > 0 && seen + count >= wanted) {
      const low = BOUNDS[at - 1] ?? 0
      const high = BOUNDS[at] ?? low
      return low + (high - low) * Math.max(0, (wanted - seen) / count)
    }
    seen += count
  }
  return BOUNDS.at(-1) ?? 0
}
