import { type HttpHandler, type Random, type Scope, messageOf } from '#base'
import type { ResourceRef } from '#api'
import { createClient, inProcessTransport } from '#client'
import { controllers } from '#controllers'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { Scheduler } from '#scheduler'
import { type Faults, faultTransport } from '#testing'

export interface FaultySetting {
  readonly handler: HttpHandler
  readonly tokenOf: (part: 'controllers' | 'scheduler') => string
  readonly random: Random
  /** What goes wrong just now. */
  readonly faults: () => Faults | undefined
}

/** One life of controllers and scheduler. Whoever takes over from it starts when nothing of it is under way any more, as the leases of real ones see to. */
export interface Life {
  end(): Promise<void>
}

/** What fails is tried again sooner than in earnest, so that a minute shows more. Nodes are never taken for dead: the machine may be slow. */
const BACK_OFF = { firstMs: 5, maxMs: 1_000 }
const NEVER_MS = 3_600_000
const served = (_ref: ResourceRef): boolean => true

export async function startLife(scope: Scope, { handler, tokenOf, random, faults }: FaultySetting): Promise<Life> {
  const term = scope.child()
  let underWay = 0
  let idle: (() => void) | undefined
  const counted: HttpHandler = async (request) => {
    underWay++
    try {
      return await handler(request)
    } finally {
      if (--underWay === 0) idle?.()
    }
  }
  const clientOf = (part: 'controllers' | 'scheduler'): ReturnType<typeof createClient> =>
    createClient({ transport: faultTransport(inProcessTransport(counted, { token: tokenOf(part) }), random, faults) })
  const client = clientOf('controllers')
  const definitions = controllers({ nodeMonitorGracePeriodMs: NEVER_MS, nodeStartupGracePeriodMs: NEVER_MS })
  const working = runControllers(term, definitions, {
    client,
    informers: createInformers(client, { freeze: true }),
    events: createEvents(term, client),
    backOff: BACK_OFF,
  })
  const ofScheduler = clientOf('scheduler')
  const informers = createInformers(ofScheduler)
  const scheduler = new Scheduler(term, { client: ofScheduler, informers, isServed: served })
  const scheduling = informers.start(term).then(() => scheduler.start())
  for (const part of [working, scheduling])
    part.catch((error: unknown) => term.signal.aborted || scope.log.error('a part did not start', { error: messageOf(error) }))
  return {
    async end() {
      term.cancel()
      const running = await working.catch(() => [])
      await Promise.all(running.map(({ stopped }) => stopped))
      if (underWay > 0) await new Promise<void>((resolve) => (idle = resolve))
    },
  }
}
