import { Histogram, type Labels, type MetricDefinition, type MetricText } from './metric-text.ts'

/** One number of a family. Who counts often keeps it. */
export interface Cell {
  value: number
}

/** More combinations of labels than an honest user can make are not shown. */
const MOST_MEMBERS = 2000

/** The members of a metric, one for each combination of its labels. */
abstract class Family<T> {
  readonly definition: MetricDefinition
  readonly #labels: readonly string[]
  readonly #members = new Map<string, { readonly labels: Labels; readonly member: T }>()
  #unshown: T | undefined

  protected constructor(definition: MetricDefinition, labels: readonly string[]) {
    this.definition = definition
    this.#labels = labels
  }

  protected abstract make(): T
  protected abstract writeOne(text: MetricText, labels: Labels, member: T): void

  /** By the values of the labels, in the order in which the family names them. */
  of(...values: readonly string[]): T {
    const key = values.length === 1 ? (values[0] as string) : values.join('\0')
    const found = this.#members.get(key)
    if (found !== undefined) return found.member
    if (this.#members.size >= MOST_MEMBERS) return (this.#unshown ??= this.make())
    const member = this.make()
    const labels = Object.fromEntries(this.#labels.map((label, at) => [label, values[at] ?? '']))
    this.#members.set(key, { labels, member })
    return member
  }

  write(text: MetricText): void {
    if (this.#members.size === 0) return
    text.family(this.definition)
    for (const { labels, member } of this.#members.values()) this.writeOne(text, labels, member)
  }
}

export class Counters extends Family<Cell> {
  constructor({ name, help }: Pick<MetricDefinition, 'name' | 'help'>, labels: readonly string[]) {
    super({ name, help, type: 'counter' }, labels)
  }
  protected make(): Cell {
    return { value: 0 }
  }
  protected writeOne(text: MetricText, labels: Labels, { value }: Cell): void {
    text.sample(this.definition.name, labels, value)
  }
}

export class Histograms extends Family<Histogram> {
  readonly #bounds: readonly number[]
  constructor({ name, help }: Pick<MetricDefinition, 'name' | 'help'>, labels: readonly string[], bounds: readonly number[]) {
    super({ name, help, type: 'histogram' }, labels)
    this.#bounds = bounds
  }
  protected make(): Histogram {
    return new Histogram(this.#bounds)
  }
  protected writeOne(text: MetricText, labels: Labels, histogram: Histogram): void {
    text.histogram(this.definition.name, labels, histogram)
  }
}
