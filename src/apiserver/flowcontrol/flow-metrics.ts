import { type Cell, Counters, type Histogram, Histograms, type MetricDefinition, type MetricText } from '#base'
import { type DemandPeriod, LevelDemand } from './level-demand.ts'
import type { LevelLimits, Refusal } from './seats.ts'

const QUEUE_BOUNDS = [0, 10, 25, 50, 100, 250, 500, 1000]
const WORK_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 100]
const BOUNDS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

/** What one schema sends to one priority level. `executing` and `waiting` are of now. */
export interface FlowMeter {
  readonly labels: { readonly flow_schema: string; readonly priority_level: string }
  executing: number
  waiting: number
  readonly demand: LevelDemand
  readonly dispatched: Cell
  readonly unaccommodated: Cell
  /** Lengths of the queues that requests have joined. */
  readonly queues: Histogram
  readonly work: Histogram
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

const CURRENT: MetricDefinition = {
  name: 'apiserver_flowcontrol_current_limit_seats',
  help: 'Seats that a priority level could have at this moment, with those that others lend.',
  type: 'gauge',
}
const DEMAND: MetricDefinition = {
  name: 'apiserver_flowcontrol_demand_seats',
  help: 'Seats that a priority level could have used, in parts of its own, in nanoseconds.',
  type: 'histogram',
}
const SEAT_USE: MetricDefinition = {
  name: 'apiserver_flowcontrol_priority_level_seat_utilization',
  help: 'Seats that were used, in parts of those of the priority level, in nanoseconds.',
  type: 'histogram',
}
const REQUEST_USE: MetricDefinition = {
  name: 'apiserver_flowcontrol_priority_level_request_utilization',
  help: 'Requests that waited or were worked on, in parts of how many may be, in nanoseconds.',
  type: 'histogram',
}
const MOST_DEMANDED: MetricDefinition = {
  name: 'apiserver_flowcontrol_demand_seats_high_watermark',
  help: 'The most seats that a priority level could have used in the last ten seconds that are over.',
  type: 'gauge',
}
const DEMANDED: MetricDefinition = {
  name: 'apiserver_flowcontrol_demand_seats_average',
  help: 'Seats that it could have used in those ten seconds, on average over time.',
  type: 'gauge',
}
const DEVIATION: MetricDefinition = {
  name: 'apiserver_flowcontrol_demand_seats_stdev',
  help: 'Standard deviation of that over time.',
  type: 'gauge',
}

/** How the requests of each schema get their turns. */
export class FlowMetrics {
  readonly #now: () => number
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
  readonly #unaccommodated = new Counters(
    {
      name: 'apiserver_flowcontrol_request_dispatch_no_accommodation_total',
      help: 'Requests for which there was no seat when they came.',
    },
    ['priority_level', 'flow_schema'],
  )
  readonly #queues = new Histograms(
    {
      name: 'apiserver_flowcontrol_request_queue_length_after_enqueue',
      help: 'Length of the queue that a request has joined, with it.',
    },
    ['priority_level', 'flow_schema'],
    QUEUE_BOUNDS,
  )
  readonly #work = new Histograms(
    { name: 'apiserver_flowcontrol_work_estimated_seats', help: 'Seats that requests were thought to need: one each.' },
    ['priority_level', 'flow_schema'],
    WORK_BOUNDS,
  )
  readonly #meters = new Map<string, FlowMeter>()
  readonly #demands = new Map<string, LevelDemand>()
  #levels: readonly LevelLimits[] = []

  /** With a clock in milliseconds that never goes back. */
  constructor(now: () => number) {
    this.#now = now
  }

  meter(schema: string, level: string): FlowMeter {
    const key = `${schema}/${level}`
    let meter = this.#meters.get(key)
    if (meter === undefined) {
      meter = {
        labels: { flow_schema: schema, priority_level: level },
        executing: 0,
        waiting: 0,
        demand: this.#demand(level),
        dispatched: this.#dispatched.of(level, schema),
        unaccommodated: this.#unaccommodated.of(level, schema),
        queues: this.#queues.of(level, schema),
        work: this.#work.of(level, schema),
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
    for (const { name, nominal, queuing } of levels)
      this.#demand(name).limit(nominal, queuing === undefined ? 0 : queuing.queues * queuing.lengthLimit)
  }

  #demand(level: string): LevelDemand {
    let demand = this.#demands.get(level)
    if (demand === undefined) this.#demands.set(level, (demand = new LevelDemand(this.#now())))
    return demand
  }

  /** `limitOf`: seats that a level could have now. */
  write(text: MetricText, limitOf: (level: string) => number): void {
    for (const family of [this.#dispatched, this.#rejected, this.#unaccommodated, this.#queues, this.#work, this.#waits, this.#executions])
      family.write(text)
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
      [CURRENT, ({ name }: LevelLimits) => limitOf(name)],
    ] as const) {
      text.family(definition)
      for (const level of this.#levels) text.sample(definition.name, { priority_level: level.name }, of(level))
    }
    this.#writeDemands(text)
  }

  #writeDemands(text: MetricText): void {
    const nowMs = this.#now()
    const demands = this.#levels.map(({ name }) => {
      const demand = this.#demand(name)
      return { labels: { priority_level: name }, demand, period: demand.read(nowMs) }
    })
    text.family(DEMAND)
    for (const { labels, demand } of demands) text.histogram(DEMAND.name, labels, demand.demand)
    text.family(SEAT_USE)
    for (const { labels, demand } of demands) text.histogram(SEAT_USE.name, { phase: 'executing', ...labels }, demand.seats)
    text.family(REQUEST_USE)
    for (const { labels, demand } of demands) {
      text.histogram(REQUEST_USE.name, { phase: 'waiting', ...labels }, demand.waiting)
      text.histogram(REQUEST_USE.name, { phase: 'executing', ...labels }, demand.executing)
    }
    for (const [definition, of] of [
      [MOST_DEMANDED, ({ most }: DemandPeriod) => most],
      [DEMANDED, ({ average }: DemandPeriod) => average],
      [DEVIATION, ({ deviation }: DemandPeriod) => deviation],
    ] as const) {
      text.family(definition)
      for (const { labels, period } of demands) text.sample(definition.name, labels, of(period))
    }
  }
}
