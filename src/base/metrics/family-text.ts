import { type Labels, type MetricDefinition, MetricText } from './metric-text.ts'

/** One metric as it is now: what it counts, with a sample for each set of labels. */
export interface MetricFamily extends MetricDefinition {
  readonly samples: readonly MetricSample[]
}

export interface MetricSample {
  /** Of a histogram: what the sample is of it. */
  readonly part?: 'bucket' | 'sum' | 'count'
  readonly labels: Labels
  readonly value: number
  readonly atMs?: number
}

/** The media type of `metricsText`. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** For whoever measures when he is asked; who counts as things happen keeps families of his own (`Counters`, `Histograms`). */
export function metricsText(families: readonly MetricFamily[]): string {
  const text = new MetricText()
  for (const family of families) {
    text.family(family)
    for (const { part, labels, value, atMs } of family.samples)
      text.sample(part === undefined ? family.name : `${family.name}_${part}`, labels, value, atMs)
  }
  return text.toString()
}
