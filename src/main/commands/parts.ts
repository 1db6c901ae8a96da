import { UserError, readFileIfThere } from '#base'
import { createClient, limitedTransport, loadKubeconfig, socketTransport } from '#client'
import { type SchedulerFile, readSchedulerConfig } from '#scheduler'
import { startControllers } from '../workers/controllers.ts'
import { startNow, whenElected } from '../workers/elected.ts'
import { inForeground } from '../process/foreground.ts'
import type { PartFlags } from '../program/flags.ts'
import { startScheduler } from '../workers/scheduler.ts'

/** `sampan controllers` and `sampan scheduler`: against any Kubernetes, over the network. */
export async function runPart(part: 'controllers' | 'scheduler', flags: PartFlags): Promise<void> {
  await inForeground(part, flags.logLevel, async (scope) => {
    const file = flags.config === undefined ? undefined : schedulerFile(flags.config)
    const kubeconfig = flags.kubeconfig ?? file?.kubeconfig
    if (kubeconfig === undefined) throw new UserError(`${part} needs to know how to reach the API server`, 'give --kubeconfig')
    const leaderElect = flags.leaderElect || file?.leaderElect === true
    const scheduling = file === undefined ? {} : { config: file.config }
    const { connection } = await loadKubeconfig(kubeconfig)
    const socket = socketTransport({ ...connection, userAgent: `sampan-${part}` })
    const client = createClient({ transport: file?.limit === undefined ? socket : limitedTransport(socket, scope.clock, file.limit) })
    const work = scope.child()
    const start = leaderElect ? whenElected : startNow
    if (part === 'controllers') {
      const authority = connection.ca === undefined ? {} : { caBundle: textOf(connection.ca) }
      await start(work, client, 'kube-controller-manager', (term) => startControllers(term, { client, ...authority }))
    } else await start(work, client, 'kube-scheduler', (term) => startScheduler(term, { client, ...scheduling }), file?.lease)
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
