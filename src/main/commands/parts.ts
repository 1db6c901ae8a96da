import { hostname } from 'node:os'
import { type Scope, UserError, readFileIfThere } from '#base'
import { createClient, loadKubeconfig, socketTransport } from '#client'
import { runWithLease } from '#reconcile'
import { type SchedulerFile, readSchedulerConfig } from '#scheduler'
import { runElectedControllers, startControllers } from '../controllers.ts'
import { inForeground } from '../foreground.ts'
import type { PartFlags } from '../flags.ts'
import { startScheduler } from '../scheduler.ts'

/** `sampan controllers` and `sampan scheduler`: against any Kubernetes, over the network. */
export async function runPart(part: 'controllers' | 'scheduler', flags: PartFlags): Promise<void> {
  await inForeground(part, flags.logLevel, async (scope) => {
    const file = flags.config === undefined ? undefined : schedulerFile(flags.config)
    const kubeconfig = flags.kubeconfig ?? file?.kubeconfig
    if (kubeconfig === undefined) throw new UserError(`${part} needs to know how to reach the API server`, 'give --kubeconfig')
    const leaderElect = flags.leaderElect || file?.leaderElect === true
    const scheduling = file === undefined ? {} : { config: file.config }
    const { connection } = await loadKubeconfig(kubeconfig)
    const client = createClient({ transport: socketTransport({ ...connection, userAgent: `sampan-${part}` }) })
    const identity = `${hostname()}_${scope.random.uuid()}`
    const work = scope.child()
    if (part === 'controllers') {
      const authority = connection.ca === undefined ? {} : { caBundle: textOf(connection.ca) }
      if (leaderElect) inBackground(work, runElectedControllers(work, { client, identity, ...authority }))
      else await startControllers(work, { client, ...authority })
    } else if (leaderElect) {
      const lease = { namespace: 'kube-system', name: 'kube-scheduler', identity }
      const elected = runWithLease(work, client, lease, async (term) => {
        await startScheduler(term, { client, ...scheduling })
        await ended(term)
      })
      inBackground(work, elected)
    } else await startScheduler(work, { client, ...scheduling })
    return async () => work.cancel()
  })
}

/** Throws `UserError`. */
export function schedulerFile(path: string): SchedulerFile {
  const text = readFileIfThere(path)
  if (text === undefined) throw new UserError(`there is no file ${path}`, 'give --config a KubeSchedulerConfiguration')
  return readSchedulerConfig(text, path)
}

const textOf = (pem: string | Uint8Array): string => (typeof pem === 'string' ? pem : Buffer.from(pem).toString('utf8'))

function inBackground(scope: Scope, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (!scope.signal.aborted) scope.log.error('stopped', { error })
  })
}

const ended = (scope: Scope): Promise<void> =>
  new Promise((resolve) => scope.signal.addEventListener('abort', () => resolve(), { once: true }))
