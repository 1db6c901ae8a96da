import type { MetricFamily, Scope } from '#base'
import type { Client } from '#client'
import { installKinds, platformParts } from '#delivery'
import { type ControllerStats, type RunningController, createEvents, createInformers, runControllers } from '#reconcile'
import type { Started } from './elected.ts'

export interface RunningDelivery extends Started {
  stats(): readonly ControllerStats[]
}

/** Installs the kinds of the platform and runs its controllers until the scope is cancelled. Resolves when they work. */
export async function startDelivery(scope: Scope, client: Client): Promise<RunningDelivery> {
  await installKinds(
    scope,
    client,
    platformParts.flatMap(({ kinds }) => kinds),
  )
  const controllers = platformParts.flatMap((part) => part.controllers)
  const informers = createInformers(client, { withoutManagedFields: true })
  const running: readonly RunningController[] = await runControllers(scope, controllers, {
    client,
    informers,
    events: createEvents(scope, client),
  })
  return { stopped: Promise.all(running.map(({ stopped }) => stopped)), stats: () => running.map((one) => one.stats()) }
}

/** What controllers have done and have to do. */
export function controllerMetrics(controllers: readonly ControllerStats[]): readonly MetricFamily[] {
  const samplesOf = (value: (stats: ControllerStats) => number): MetricFamily['samples'] =>
    controllers.map((stats) => ({ labels: { controller: stats.name }, value: value(stats) }))
  return [
    {
      name: 'sampan_controller_reconciled_total',
      help: 'Keys that a controller has worked on',
      type: 'counter',
      samples: samplesOf(({ reconciled }) => reconciled),
    },
    {
      name: 'sampan_controller_failed_total',
      help: 'Those of them that failed and are tried again',
      type: 'counter',
      samples: samplesOf(({ failed }) => failed),
    },
    {
      name: 'sampan_controller_busy_seconds_total',
      help: 'Time that was spent on keys',
      type: 'counter',
      samples: samplesOf(({ busyMs }) => busyMs / 1000),
    },
    {
      name: 'sampan_controller_keys',
      help: 'Keys that wait, are worked on, or are due later',
      type: 'gauge',
      samples: controllers.flatMap(({ name, queued, running, delayed }) =>
        Object.entries({ queued, running, delayed }).map(([state, value]) => ({ labels: { controller: name, state }, value })),
      ),
    },
  ]
}
