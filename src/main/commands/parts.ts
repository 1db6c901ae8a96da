import { hostname } from 'node:os'
import type { Scope } from '#base'
import { createClient, loadKubeconfig, socketTransport } from '#client'
import { runWithLease } from '#reconcile'
import { runElectedControllers, startControllers } from '../controllers.ts'
import { inForeground } from '../foreground.ts'
import type { PartFlags } from '../flags.ts'
import { startScheduler } from '../scheduler.ts'

/** `sampan controllers` and `sampan scheduler`: against any Kubernetes, over the network. */
export async function runPart(part: 'controllers' | 'scheduler', flags: PartFlags): Promise<void> {
  await inForeground(part, flags.logLevel, async (scope) => {
    const { connection } = await loadKubeconfig(flags.kubeconfig)
    const client = createClient({ transport: socketTransport({ ...connection, userAgent: `sampan-${part}` }) })
    const identity = `${hostname()}_${scope.random.uuid()}`
    const work = scope.child()
    if (part === 'controllers') {
      const authority = connection.ca === undefined ? {} : { caBundle: textOf(connection.ca) }
      if (flags.leaderElect) inBackground(work, runElectedControllers(work, { client, identity, ...authority }))
      else await startControllers(work, { client, ...authority })
    } else if (flags.leaderElect) {
      const lease = { namespace: 'kube-system', name: 'kube-scheduler', identity }
      const scheduling = runWithLease(work, client, lease, async (term) => {
        await startScheduler(term, { client })
        await ended(term)
      })
      inBackground(work, scheduling)
    } else await startScheduler(work, { client })
    return async () => work.cancel()
  })
}

const textOf = (pem: string | Uint8Array): string => (typeof pem === 'string' ? pem : Buffer.from(pem).toString('utf8'))

function inBackground(scope: Scope, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (!scope.signal.aborted) scope.log.error('stopped', { error })
  })
}

const ended = (scope: Scope): Promise<void> =>
  new Promise((resolve) => scope.signal.addEventListener('abort', () => resolve(), { once: true }))
