import type { Scope } from '#base'
import type { Client } from '#client'
import { type ControllersOptions, controllers } from '#controllers'
import { type Informers, type QueueMetrics, createEvents, createInformers, runControllers } from '#reconcile'
import type { Started } from './elected.ts'

export interface StartControllersOptions extends ControllersOptions {
  readonly client: Client
  /** Caches that others in the process read too. Absent: caches of their own. */
  readonly informers?: Informers
  readonly metrics?: QueueMetrics
}

/** Runs all controllers until the scope is cancelled. Resolves when their caches are full and they work. */
export async function startControllers(scope: Scope, options: StartControllersOptions): Promise<Started> {
  const { client, informers = createInformers(client) } = options
  const runtime = { client, informers, events: createEvents(scope, client) }
  const metered = options.metrics === undefined ? runtime : { ...runtime, metrics: options.metrics }
  const running = await runControllers(scope, controllers(options), metered)
  return { stopped: Promise.all(running.map(({ stopped }) => stopped)) }
}
