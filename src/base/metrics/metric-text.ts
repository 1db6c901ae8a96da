/** What a metric is called and means. */
export interface MetricDefinition {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
}

export type Labels = Readonly<Record<string, string>>

/** The exposition text of Prometheus, version 0.0.4. */
export class MetricText {
  readonly #lines: string[] = []

  family({ name, help, type }: MetricDefinition): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  }
  sample(name: string, labels: Labels, value: number, atMs?: number): void {
    this.#lines.push(`${name}${labelText(labels)} ${numberText(value)}${atMs === undefined ? '' : ` ${Math.round(atMs)}`}`)
  }
  /** One value that is all of its family. */
  single(definition: MetricDefinition, value: number, labels: Labels = {}): void {
    this.family(definition)
    this.sample(definition.name, labels, value)
  }
  histogram(name: string, labels: Labels, histogram: HistogramSamples): void {
    let below = 0
    for (const [at, bound] of histogram.bounds.entries()) {
      below += histogram.counts[at] ?? 0
      this.sample(`${name}_bucket`, { ...labels, le: numberText(bound) }, below)
    }
    this.sample(`${name}_bucket`, { ...labels, le: '+Inf' }, histogram.count)
    this.sample(`${name}_sum`, labels, histogram.sum)
    this.sample(`${name}_count`, labels, histogram.count)
  }
  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}

/** What there is to show of a histogram: how much fell between each bound and the one before, and of all of it. */
export interface HistogramSamples {
  readonly bounds: readonly number[]
  readonly counts: ArrayLike<number>
  readonly sum: number
  readonly count: number
}

/** How often values were at most so large. `observe` is on the path of every request. */
export class Histogram implements HistogramSamples {
  readonly bounds: readonly number[]
  readonly counts: Uint32Array
  sum = 0
  count = 0
  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Uint32Array(bounds.length)
  }
  /** Takes in what another one of the same bounds has counted. */
  add(other: Histogram): this {
    this.sum += other.sum
    this.count += other.count
    for (const [at, count] of other.counts.entries()) this.counts[at] = (this.counts[at] ?? 0) + count
    return this
  }
  observe(value: number): void {
    this.sum += value
    this.count++
    const { bounds, counts } = this
    for (let at = 0; at < bounds.length; at++) {
      if (value <= (bounds[at] as number)) {
        counts[at] = (counts[at] as number) + 1
        return
      }
    }
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const numberText = (value: number): string => (value === Infinity ? '+Inf' : String(value))
