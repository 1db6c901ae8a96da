import { type Clock, Histogram, type MetricDefinition, type MetricText } from '#base'
import type { RuleTimer } from '#api'

/** Those that Prometheus' libraries take where nothing is said. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const COMPILATION: MetricDefinition = {
  name: 'apiserver_cel_compilation_duration_seconds',
  help: 'Time that it took to make the rules of a custom kind ready.',
  type: 'histogram',
}
const EVALUATION: MetricDefinition = {
  name: 'apiserver_cel_evaluation_duration_seconds',
  help: 'Time that the rules of a custom kind took for an object.',
  type: 'histogram',
}

/** What the rules of custom kinds take. */
export class RuleMetrics implements RuleTimer {
  readonly #clock: Clock
  readonly #histograms = { compilation: new Histogram(BOUNDS), evaluation: new Histogram(BOUNDS) }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  time<T>(what: 'compilation' | 'evaluation', work: () => T): T {
    const startedMs = this.#clock.monotonic()
    try {
      return work()
    } finally {
      this.#histograms[what].observe((this.#clock.monotonic() - startedMs) / 1000)
    }
  }

  write(text: MetricText): void {
    text.family(COMPILATION)
    text.histogram(COMPILATION.name, {}, this.#histograms.compilation)
    text.family(EVALUATION)
    text.histogram(EVALUATION.name, {}, this.#histograms.evaluation)
  }
}
