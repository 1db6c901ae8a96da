import { type Cell, Counters, type Histogram, Histograms, type MetricDefinition, type MetricText } from '#base'

const BOUNDS = Array.from({ length: 10 }, (_, at) => 10 ** (at - 8))
const DEPTH: MetricDefinition = { name: 'workqueue_depth', help: 'Keys that wait to be worked on.', type: 'gauge' }
const UNFINISHED: MetricDefinition = {
  name: 'workqueue_unfinished_work_seconds',
  help: 'How long the keys that are being worked on have been, together.',
  type: 'gauge',
}
const LONGEST: MetricDefinition = {
  name: 'workqueue_longest_running_processor_seconds',
  help: 'How long the key that is being worked on for longest has been.',
  type: 'gauge',
}

/** What one queue counts. */
export interface QueueMeter {
  readonly adds: Cell
  readonly retries: Cell
  readonly waits: Histogram
  readonly works: Histogram
}

/** A queue as it is now. */
export interface QueueState {
  readonly depth: number
  /** When the keys that are being worked on were taken, by the monotonic clock. */
  readonly startedMs: Iterable<number>
}

/** What the queues of one process have done, by the names of their controllers. */
export class QueueMetrics {
  readonly #adds = new Counters({ name: 'workqueue_adds_total', help: 'Keys that were put into the queue.' }, ['name'])
  readonly #retries = new Counters({ name: 'workqueue_retries_total', help: 'Keys that were put back because their work failed.' }, [
    'name',
  ])
  readonly #waits = new Histograms(
    { name: 'workqueue_queue_duration_seconds', help: 'Time that keys have waited in the queue.' },
    ['name'],
    BOUNDS,
  )
  readonly #works = new Histograms({ name: 'workqueue_work_duration_seconds', help: 'Time that keys were worked on.' }, ['name'], BOUNDS)
  readonly #queues = new Map<string, QueueState>()

  meter(name: string): QueueMeter {
    return { adds: this.#adds.of(name), retries: this.#retries.of(name), waits: this.#waits.of(name), works: this.#works.of(name) }
  }
  follow(name: string, queue: QueueState): void {
    this.#queues.set(name, queue)
  }

  write(text: MetricText, nowMs: number): void {
    for (const family of [this.#adds, this.#retries, this.#waits, this.#works]) family.write(text)
    const states = [...this.#queues].map(([name, { depth, startedMs }]) => {
      const seconds = [...startedMs].map((ms) => (nowMs - ms) / 1000)
      return { name, depth, unfinished: seconds.reduce((sum, one) => sum + one, 0), longest: Math.max(0, ...seconds) }
    })
    for (const [definition, field] of [
      [DEPTH, 'depth'],
      [UNFINISHED, 'unfinished'],
      [LONGEST, 'longest'],
    ] as const) {
      text.family(definition)
      for (const state of states) text.sample(definition.name, { name: state.name }, state[field])
    }
  }
}
