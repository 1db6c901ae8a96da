import type { Scope } from '#base'
import type { ResourceRef } from '#api'
import { type Client, discover } from '#client'
import { type Informers, createInformers } from '#reconcile'
import { Scheduler, type SchedulerConfig } from '#scheduler'
import type { Started } from './elected.ts'

export interface StartSchedulerOptions {
  readonly client: Client
  readonly config?: SchedulerConfig
  /** Caches that others in the process read too. Absent: caches of its own, filled through its client. */
  readonly informers?: Informers
}

/** Runs the scheduler until the scope is cancelled. Resolves when its caches are full and it decides. */
export async function startScheduler(scope: Scope, options: StartSchedulerOptions): Promise<Started> {
  const { resources } = await discover(scope, options.client)
  const served = new Set(resources.map(({ ref }) => `${ref.group}/${ref.plural}`))
  const informers = options.informers ?? createInformers(options.client)
  const isServed = (ref: ResourceRef): boolean => served.has(`${ref.group}/${ref.plural}`)
  const scheduler = new Scheduler(scope, { ...options, informers, isServed })
  await informers.start(scope)
  scheduler.start()
  return { stopped: Promise.resolve() }
}
