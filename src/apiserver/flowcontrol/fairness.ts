import type { Clock, MetricText, Scope } from '#base'
import { type flowcontrol, refs } from '#api'
import type { ObjectReader, UserInfo } from '../contract.ts'
import type { RequestContext } from '../registry/context.ts'
import type { Follow } from '../registry/read/follow.ts'
import { type Classified, Classifier } from './classify.ts'
import { type FlowMeter, FlowMetrics } from './flow-metrics.ts'
import { planLevels } from './plan-levels.ts'
import { SeatPool, Seats } from './seats.ts'
import { flowHash } from './shuffle-shard.ts'

/** A request's turn. */
export interface Turn {
  readonly granted: boolean
  /** Headers that tell the client how it was judged. */
  readonly marks: Readonly<Record<string, string>>
  /** The answer is there: gives back what the turn has taken. Called once where it was granted. */
  done(ms: number, isWatch: boolean): void
}

/** Decides when requests are worked on, by flow schemas and priority levels. */
export interface Fairness {
  /** At once where there is room, which is nearly always. Undefined for what is not judged. */
  enter(context: RequestContext): Turn | undefined | Promise<Turn>
  writeMetrics(text: MetricText): void
}

export interface FairnessOptions {
  readonly reader: ObjectReader
  readonly follow: Follow
  /** Requests that the server works on at once. */
  readonly concurrency: number
  /** How long a request waits for its turn. */
  readonly waitMs: number
}

/** What lasts as long as the client wants is no work that ends by itself. */
const ENDLESS: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy'])

export function requestFairness(scope: Scope, options: FairnessOptions): Fairness {
  const { reader, follow, waitMs } = options
  const pool = new SeatPool()
  const known = new Map<string, Seats>()
  const metrics = new FlowMetrics(() => scope.clock.monotonic())
  let classifier: Classifier<Level> | undefined
  let isFollowing = false
  const current = (): Classifier<Level> => {
    if (classifier !== undefined) return classifier
    if (!isFollowing) {
      isFollowing = true
      const changed = (): void => {
        classifier = undefined
      }
      for (const ref of [refs.flowschemas, refs.prioritylevelconfigurations]) follow(scope, ref, changed)
    }
    classifier = new Classifier(configuration(reader, pool, known, metrics, options.concurrency, scope.clock))
    return classifier
  }
  const wait = async (context: RequestContext, seats: Seats, { schema, level }: Classified<Level>): Promise<Turn> => {
    const { meter, turn } = level
    const hash = flowHash(schema.metadata?.name ?? '', distinguisher(schema, context.user, context.info.namespace))
    const { clock } = context.core.scope
    const arrivedAt = clock.monotonic()
    meter.waiting++
    meter.unaccommodated.value++
    meter.demand.waits(1, arrivedAt)
    const outcome = await seats.wait(context.scope, hash, waitMs, (length) => meter.queues.observe(length))
    const endedAt = clock.monotonic()
    const waitedMs = endedAt - arrivedAt
    meter.waiting--
    meter.demand.waits(-1, endedAt)
    if (outcome === 'granted') {
      meter.waits.observe(waitedMs / 1000)
      return begin(meter, turn, endedAt)
    }
    metrics.rejected(meter, outcome, waitedMs)
    return { ...turn, granted: false }
  }
  return {
    enter(context) {
      const { info, user } = context
      if (ENDLESS.has(info.subresource) || info.verb === 'proxy') return undefined
      // Without any schema there is nothing to judge by: the first moments of a new server.
      const found = current().classify(user, info)
      if (found === undefined) return undefined
      const { seats, meter, turn } = found.level
      return seats === undefined || seats.tryTake() ? begin(meter, turn, scope.clock.monotonic()) : wait(context, seats, found)
    },
    writeMetrics: (text) => metrics.write(text, (level) => known.get(level)?.limit ?? 0),
  }
}

/** What a schema leads to, made once for all its requests. */
interface Level {
  /** Absent for requests that are exempt. */
  readonly seats: Seats | undefined
  readonly meter: FlowMeter
  readonly turn: Turn
}

function begin(meter: FlowMeter, turn: Turn, nowMs: number): Turn {
  meter.executing++
  meter.demand.executes(1, nowMs)
  meter.work.observe(1)
  meter.dispatched.value++
  return turn
}

/** Flows of one schema are told apart by who sends, or by where to. */
function distinguisher({ spec }: flowcontrol.FlowSchema, user: UserInfo, namespace: string): string {
  const type = spec?.distinguisherMethod?.type
  return type === 'ByUser' ? user.name : type === 'ByNamespace' ? namespace : ''
}

/** The schemas as they are now, each with the turn that its requests get. Levels that stay keep their seats, and who waits for them. */
function configuration(
  reader: ObjectReader,
  pool: SeatPool,
  known: Map<string, Seats>,
  metrics: FlowMetrics,
  concurrency: number,
  clock: Clock,
): Classified<Level>[] {
  const levels = new Map(reader.list(refs.prioritylevelconfigurations).map((level) => [level.metadata?.name ?? '', level]))
  const plan = new Map(planLevels([...levels.values()], concurrency).map((limits) => [limits.name, limits]))
  for (const name of known.keys()) if (!plan.has(name)) known.delete(name)
  for (const [name, limits] of plan) if (!known.has(name)) known.set(name, new Seats(pool, limits))
  pool.set([...known.values()])
  for (const [name, limits] of plan) known.get(name)?.settle(limits)
  metrics.settled([...plan.values()])
  return reader.list(refs.flowschemas).flatMap((schema) => {
    const level = levels.get(schema.spec?.priorityLevelConfiguration.name ?? '')
    if (level === undefined) return []
    const marks = {
      'x-kubernetes-pf-flowschema-uid': schema.metadata?.uid ?? '',
      'x-kubernetes-pf-prioritylevel-uid': level.metadata?.uid ?? '',
    }
    const seats = known.get(level.metadata?.name ?? '')
    const meter = metrics.meter(schema.metadata?.name ?? '', level.metadata?.name ?? '')
    const done = (ms: number, isWatch: boolean): void => {
      meter.executing--
      meter.demand.executes(-1, clock.monotonic())
      ;(isWatch ? meter.watches : meter.executions).observe(ms / 1000)
      seats?.release()
    }
    return [{ schema, level: { seats, meter, turn: { granted: true, marks, done } } }]
  })
}
