import { type Proportion, difference, normalQuantile, shareOf } from './intervals.ts'

export const VERDICTS = ['Better', 'Same', 'Worse', 'NotEnoughEvidence'] as const
export type Verdict = (typeof VERDICTS)[number]

/** What was counted of one version in one window. */
export interface Sample {
  readonly requests: number
  readonly errors: number
  /** Requests by how long they took; those of both versions have the same bounds. */
  readonly buckets: readonly number[]
}

export interface JudgeRules {
  /** Of each version; nothing is concluded from less. */
  readonly minimumRequests: number
  /** Between 0 and 1: so seldom is a version called worse that is not, over all looks together. */
  readonly confidence: number
  /** So much higher may the share of errors be: 0.01 is one in a hundred. */
  readonly errorTolerance: number
  /** 0.95: the time that 95 of 100 requests do not pass; undefined: times are not compared. */
  readonly latencyQuantile: number | undefined
  /** So much longer may that time be: 0.2 is a fifth. */
  readonly latencyTolerance: number
}

export interface Judgement {
  readonly verdict: Verdict
  readonly message: string
  /** Which look this was; 0: there was too little to look at. */
  readonly look: number
  readonly errors?: Comparison | undefined
  readonly latency?: (Comparison & { readonly thresholdSeconds: number }) | undefined
}

/** Shares of requests that are errors, or that took too long. */
export interface Comparison {
  readonly verdict: Verdict
  readonly next: Proportion
  readonly control: Proportion
  /** The difference is in here. */
  readonly low: number
  readonly high: number
}

const LOOKS_GROW = 1.5

/**
 * The canary beside a control of the same age, of the same time. Looking again and again finds something at last, where nothing is: so there is a look only
 * when the smaller sample has grown by half, and the k-th look may be wrong with the chance `(1 - confidence) / (k (k + 1))`, which is `1 - confidence` for all
 * looks together. Each compares two shares by an interval of their difference (see `difference`):
 *
 * - `Worse`: it is above 0 in all of the interval, and what was measured is out of tolerance;
 * - `Better`: it is below 0 in all of it; `Same`: it is within tolerance in all of it;
 * - `NotEnoughEvidence`: it may be any of those.
 *
 * Errors are compared with `errorTolerance`. Times by the share of requests beyond a threshold, the first bound of a bucket not below the control's quantile and
 * the tolerance: as many as the quantile leaves over (5 of 100 of `0.95`) are within tolerance.
 */
export function judge(next: Sample, control: Sample, bounds: readonly number[], rules: JudgeRules): Judgement {
  const smaller = Math.min(next.requests, control.requests)
  const look = lookAt(smaller, rules.minimumRequests)
  const counted = `${next.requests} requests to the new version and ${control.requests} to its control`
  if (look === 0)
    return { verdict: 'NotEnoughEvidence', look, message: `${counted}; ${rules.minimumRequests} of each are the least to conclude from` }
  const z = normalQuantile((1 - rules.confidence) / (look * (look + 1)))
  const errors = compare(
    { count: next.errors, of: next.requests },
    { count: control.errors, of: control.requests },
    z,
    rules.errorTolerance,
  )
  const latency = compareTimes(next, control, bounds, z, rules)
  const verdict = worst([errors.verdict, ...(latency === undefined ? [] : [latency.verdict])])
  const shown = [
    `errors ${percent(shareOf(errors.next))} beside ${percent(shareOf(errors.control))}`,
    ...(latency === undefined
      ? []
      : [`longer than ${latency.thresholdSeconds} s ${percent(shareOf(latency.next))} beside ${percent(shareOf(latency.control))}`]),
  ]
  return { verdict, look, errors, latency, message: `${counted}: ${shown.join(', ')}` }
}

/** The look that a sample of this size is enough for, from 1; 0: for none. */
export function lookAt(requests: number, minimum: number): number {
  if (requests < minimum || requests === 0) return 0
  return 1 + Math.floor(Math.log(requests / Math.max(1, minimum)) / Math.log(LOOKS_GROW))
}

function compare(next: Proportion, control: Proportion, z: number, tolerance: number): Comparison {
  const { low, high } = difference(next, control, z)
  const measured = shareOf(next) - shareOf(control)
  const verdict = low > 0 && measured > tolerance ? 'Worse' : high < 0 ? 'Better' : high <= tolerance ? 'Same' : 'NotEnoughEvidence'
  return { verdict, next, control, low, high }
}

function compareTimes(next: Sample, control: Sample, bounds: readonly number[], z: number, rules: JudgeRules): Judgement['latency'] {
  const { latencyQuantile, latencyTolerance } = rules
  if (latencyQuantile === undefined) return undefined
  const total = sum(control.buckets)
  let seen = 0
  let at = 0
  while (at < bounds.length && seen + (control.buckets[at] ?? 0) < latencyQuantile * total) seen += control.buckets[at++] ?? 0
  const wanted = (bounds[at] ?? Infinity) * (1 + latencyTolerance)
  const threshold = bounds.findIndex((bound) => bound >= wanted)
  const last = threshold === -1 ? bounds.length - 1 : threshold
  const beyond = ({ buckets }: Sample): Proportion => ({ count: sum(buckets.slice(last + 1)), of: sum(buckets) })
  return { ...compare(beyond(next), beyond(control), z, 1 - latencyQuantile), thresholdSeconds: bounds[last] ?? 0 }
}

/** One that is worse decides; of what nobody knows nothing is said; one that is better is not outweighed by one that is the same. */
function worst(verdicts: readonly Verdict[]): Verdict {
  for (const one of ['Worse', 'NotEnoughEvidence', 'Better'] as const) if (verdicts.includes(one)) return one
  return 'Same'
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
