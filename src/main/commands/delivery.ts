import { createClient, loadKubeconfig, socketTransport } from '#client'
import { awaitServer } from '../node/await-server.ts'
import { type RunningDelivery, controllerMetrics, startDelivery } from '../workers/delivery.ts'
import { startNow, whenElected } from '../workers/elected.ts'
import type { DeliveryFlags } from '../program/flags.ts'
import { inForeground } from '../process/foreground.ts'
import { serveHealth } from '../process/health-server.ts'

/** `sampan delivery`: the controllers of the platform, against any Kubernetes. */
export async function runDelivery(flags: DeliveryFlags): Promise<void> {
  await inForeground('delivery', flags.logLevel, async (scope) => {
    const work = scope.child()
    let running: RunningDelivery | undefined
    if (flags.healthAddress !== undefined)
      await serveHealth(work, flags.healthAddress, {
        notReady: () => (running === undefined && !flags.leaderElect ? 'starting' : undefined),
        metrics: () => controllerMetrics(running?.stats() ?? []),
      })
    if (flags.waitForServer) await awaitServer(work, [flags.kubeconfig])
    const { connection } = await loadKubeconfig(flags.kubeconfig)
    const client = createClient({
      transport: socketTransport({ ...connection, userAgent: 'sampan-delivery' }),
      fieldManager: 'sampan-delivery',
    })
    const start = flags.leaderElect ? whenElected : startNow
    const { stopped } = await start(work, client, 'sampan-delivery', async (term) => {
      const started = await startDelivery(term, client)
      running = started
      return { stopped: started.stopped.finally(() => (running = undefined)) }
    })
    return async () => {
      work.cancel()
      await stopped
      client.close()
    }
  })
}
