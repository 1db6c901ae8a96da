import { type Cell, Counters, type Histogram, Histograms, type MetricDefinition, type MetricText } from '#base'
import type { LevelLimits, Refusal } from './seats.ts'

const BOUNDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

/** What one schema sends to one priority level. `executing` and `waiting` are of now. */
export interface FlowMeter {
  readonly labels: { readonly flow_schema: string; readonly priority_level: string }
  executing: number
  waiting: number
  readonly dispatched: Cell
  readonly waits: Histogram
  readonly executions: Histogram
  readonly watches: Histogram
}

const WAITING: MetricDefinition = {
  name: 'apiserver_flowcontrol_current_inqueue_requests',
  help: 'Requests that wait for their turn now.',
  type: 'gauge',
}
const EXECUTING: MetricDefinition = {
  name: 'apiserver_flowcontrol_current_executing_requests',
  help: 'Requests that are being worked on now.',
  type: 'gauge',
}
const SEATS: MetricDefinition = {
  name: 'apiserver_flowcontrol_current_executing_seats',
  help: 'Seats that they have: one each.',
  type: 'gauge',
}
const SEATS_WAITED_FOR: MetricDefinition = {
  name: 'apiserver_flowcontrol_current_inqueue_seats',
  help: 'Seats that those who wait will have: one each.',
  type: 'gauge',
}
const NOMINAL: MetricDefinition = {
  name: 'apiserver_flowcontrol_nominal_limit_seats',
  help: "Seats that are the priority level's own.",
  type: 'gauge',
}
const LOWER: MetricDefinition = {
  name: 'apiserver_flowcontrol_lower_limit_seats',
  help: 'Seats that a priority level has when all others borrow what it lends.',
  type: 'gauge',
}
const UPPER: MetricDefinition = {
  name: 'apiserver_flowcontrol_upper_limit_seats',
  help: 'Seats that a priority level has when it borrows all that it may.',
  type: 'gauge',
}

/** How the requests of each schema get their turns. */
export class FlowMetrics {
  readonly #dispatched = new Counters(
    { name: 'apiserver_flowcontrol_dispatched_requests_total', help: 'Requests that were given their turn.' },
    ['priority_level', 'flow_schema'],
  )
  readonly #rejected = new Counters(
    { name: 'apiserver_flowcontrol_rejected_requests_total', help: 'Requests that were turned away, by the reason.' },
    ['priority_level', 'flow_schema', 'reason'],
  )
  readonly #waits = new Histograms(
    {
      name: 'apiserver_flowcontrol_request_wait_duration_seconds',
      help: 'Time that requests have waited for their turn, of those that had to.',
    },
    ['priority_level', 'flow_schema', 'execute'],
    BOUNDS,
  )
  readonly #executions = new Histograms(
    {
      name: 'apiserver_flowcontrol_request_execution_seconds',
      help: 'Time that requests have had their turn; of watches until they began.',
    },
    ['priority_level', 'flow_schema', 'type'],
    BOUNDS,
  )
  readonly #meters = new Map<string, FlowMeter>()
  #levels: readonly LevelLimits[] = []

  meter(schema: string, level: string): FlowMeter {
    const key = `${schema}/${level}`
    let meter = this.#meters.get(key)
    if (meter === undefined) {
      meter = {
        labels: { flow_schema: schema, priority_level: level },
        executing: 0,
        waiting: 0,
        dispatched: this.#dispatched.of(level, schema),
        waits: this.#waits.of(level, schema, 'true'),
        executions: this.#executions.of(level, schema, 'regular'),
        watches: this.#executions.of(level, schema, 'watch'),
      }
      this.#meters.set(key, meter)
    }
    return meter
  }
  rejected({ labels }: FlowMeter, reason: Refusal, waitedMs: number): void {
    const { flow_schema: schema, priority_level: level } = labels
    this.#rejected.of(level, schema, reason).value++
    if (reason === 'time-out' || reason === 'cancelled') this.#waits.of(level, schema, 'false').observe(waitedMs / 1000)
  }
  /** As the levels are set up now. */
  settled(levels: readonly LevelLimits[]): void {
    this.#levels = levels
  }

  write(text: MetricText): void {
    for (const family of [this.#dispatched, this.#rejected, this.#waits, this.#executions]) family.write(text)
    const meters = [...this.#meters.values()]
    for (const [definition, of] of [
      [WAITING, (meter: FlowMeter) => meter.waiting],
      [EXECUTING, (meter: FlowMeter) => meter.executing],
      [SEATS, (meter: FlowMeter) => meter.executing],
      [SEATS_WAITED_FOR, (meter: FlowMeter) => meter.waiting],
    ] as const) {
      text.family(definition)
      for (const meter of meters) text.sample(definition.name, meter.labels, of(meter))
    }
    for (const [definition, of] of [
      [NOMINAL, ({ nominal }: LevelLimits) => nominal],
      [LOWER, ({ nominal, lendable }: LevelLimits) => nominal - lendable],
      [UPPER, ({ nominal, borrowable }: LevelLimits) => nominal + borrowable],
    ] as const) {
      text.family(definition)
      for (const level of this.#levels) text.sample(definition.name, { priority_level: level.name }, of(level))
    }
  }
}
