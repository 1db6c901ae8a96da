import type { Scope } from '#base'
import type { Client } from '#client'
import { type ControllersOptions, controllers } from '#controllers'
import { type Informers, type RunningController, createEvents, createInformers, runControllers, runWithLease } from '#reconcile'

export interface StartControllersOptions extends ControllersOptions {
  readonly client: Client
  /** Caches that others in the process read too. Absent: caches of their own. */
  readonly informers?: Informers
}

/** Runs all controllers until the scope is cancelled. Resolves when their caches are full and they work. */
export async function startControllers(scope: Scope, options: StartControllersOptions): Promise<readonly RunningController[]> {
  const { client, informers = createInformers(client) } = options
  return runControllers(scope, controllers(options), { client, informers, events: createEvents(scope, client) })
}

export interface ElectedControllersOptions extends StartControllersOptions {
  /** Unique among those who stand for election. */
  readonly identity: string
}

/** Runs the controllers whenever this process is the elected one; resolves when the scope is cancelled. */
export async function runElectedControllers(scope: Scope, options: ElectedControllersOptions): Promise<void> {
  const lease = { namespace: 'kube-system', name: 'kube-controller-manager', identity: options.identity }
  await runWithLease(scope, options.client, lease, async (term) => {
    const running = await startControllers(term, options)
    await Promise.all(running.map(({ stopped }) => stopped))
  })
}
