import type { Scope } from '#base'
import { type flowcontrol, refs } from '#api'
import type { ObjectReader, UserInfo } from '../contract.ts'
import type { RequestContext } from '../registry/context.ts'
import type { Follow } from '../registry/read/follow.ts'
import { type Classified, Classifier } from './classify.ts'
import { planLevels } from './plan-levels.ts'
import { SeatPool, Seats } from './seats.ts'
import { flowHash } from './shuffle-shard.ts'

/** A request's turn. Whoever was granted one gives the seats back when its answer is there. */
export interface Turn {
  readonly granted: boolean
  /** Absent for requests that are exempt. */
  readonly seats: Seats | undefined
  /** Headers that tell the client how it was judged. */
  readonly marks: Readonly<Record<string, string>>
}

/** Decides when requests are worked on, by flow schemas and priority levels. */
export interface Fairness {
  /** At once where there is room, which is nearly always. Undefined for what is not judged. */
  enter(context: RequestContext): Turn | undefined | Promise<Turn>
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
  let classifier: Classifier<Turn> | undefined
  let isFollowing = false
  const current = (): Classifier<Turn> => {
    if (classifier !== undefined) return classifier
    if (!isFollowing) {
      isFollowing = true
      const changed = (): void => {
        classifier = undefined
      }
      for (const ref of [refs.flowschemas, refs.prioritylevelconfigurations]) follow(scope, ref, changed)
    }
    classifier = new Classifier(configuration(reader, pool, known, options.concurrency))
    return classifier
  }
  const wait = async (context: RequestContext, seats: Seats, { schema, level: turn }: Classified<Turn>): Promise<Turn> => {
    const hash = flowHash(schema.metadata?.name ?? '', distinguisher(schema, context.user, context.info.namespace))
    return (await seats.wait(context.scope, hash, waitMs)) ? turn : { ...turn, granted: false, seats: undefined }
  }
  return {
    enter(context) {
      const { info, user } = context
      if (ENDLESS.has(info.subresource) || info.verb === 'proxy') return undefined
      // Without any schema there is nothing to judge by: the first moments of a new server.
      const found = current().classify(user, info)
      if (found === undefined) return undefined
      const { seats } = found.level
      return seats === undefined || seats.tryTake() ? found.level : wait(context, seats, found)
    },
  }
}

/** Flows of one schema are told apart by who sends, or by where to. */
function distinguisher({ spec }: flowcontrol.FlowSchema, user: UserInfo, namespace: string): string {
  const type = spec?.distinguisherMethod?.type
  return type === 'ByUser' ? user.name : type === 'ByNamespace' ? namespace : ''
}

/** The schemas as they are now, each with the turn that its requests get. Levels that stay keep their seats, and who waits for them. */
function configuration(reader: ObjectReader, pool: SeatPool, known: Map<string, Seats>, concurrency: number): Classified<Turn>[] {
  const levels = new Map(reader.list(refs.prioritylevelconfigurations).map((level) => [level.metadata?.name ?? '', level]))
  const plan = new Map(planLevels([...levels.values()], concurrency).map((limits) => [limits.name, limits]))
  for (const name of known.keys()) if (!plan.has(name)) known.delete(name)
  for (const [name, limits] of plan) if (!known.has(name)) known.set(name, new Seats(pool, limits))
  pool.set([...known.values()])
  for (const [name, limits] of plan) known.get(name)?.settle(limits)
  return reader.list(refs.flowschemas).flatMap((schema) => {
    const level = levels.get(schema.spec?.priorityLevelConfiguration.name ?? '')
    if (level === undefined) return []
    const marks = {
      'x-kubernetes-pf-flowschema-uid': schema.metadata?.uid ?? '',
      'x-kubernetes-pf-prioritylevel-uid': level.metadata?.uid ?? '',
    }
    return [{ schema, level: { granted: true, seats: known.get(level.metadata?.name ?? ''), marks } }]
  })
}
