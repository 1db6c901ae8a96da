/** One metric as it is now: what it counts, with a sample for each set of labels. */
export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly MetricSample[]
}

export interface MetricSample {
  /** Of a histogram: what the sample is of it. */
  readonly part?: 'bucket' | 'sum' | 'count'
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly atMs?: number
}

/** The media type of `metricsText`. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

/** Prometheus' text form. */
export function metricsText(families: readonly MetricFamily[]): string {
  const lines = families.flatMap(({ name, help, type, samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ part, labels, value, atMs }) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
      return `${name}${part === undefined ? '' : `_${part}`}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}${atMs === undefined ? '' : ` ${Math.round(atMs)}`}`
    }),
  ])
  return `${lines.join('\n')}\n`
}
