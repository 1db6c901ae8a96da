import type { Scope } from '#base'
import { type Client, discover } from '#client'
import { createInformers } from '#reconcile'
import { Scheduler } from '#scheduler'

/** Runs the scheduler until the scope is cancelled. Resolves when its caches are full and it decides. */
export async function startScheduler(scope: Scope, options: { readonly client: Client }): Promise<void> {
  const { resources } = await discover(scope, options.client)
  const served = new Set(resources.map(({ ref }) => `${ref.group}/${ref.plural}`))
  const informers = createInformers(options.client)
  const scheduler = new Scheduler(scope, { client: options.client, informers, isServed: (ref) => served.has(`${ref.group}/${ref.plural}`) })
  await informers.start(scope)
  scheduler.start()
}
