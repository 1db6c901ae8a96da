import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { UserError } from '#base'
import { createClient, loadKubeconfig, socketTransport } from '#client'
import { startGateway } from '#gateway'
import type { GatewayFlags } from '../program/flags.ts'
import { inForeground } from '../process/foreground.ts'
import { GATEWAY_PROGRAMS, missingPrograms } from '../machine/packages.ts'

/** `sampan gateway`: serves the Ingresses of any Kubernetes whose endpoints this machine reaches. */
export async function runGateway(flags: GatewayFlags): Promise<void> {
  await inForeground('gateway', flags.logLevel, async (scope) => {
    if (!isIPv4(flags.address))
      throw new UserError(`not an IPv4 address: ${flags.address}`, 'give --address one of this machine, or 0.0.0.0')
    const [missing] = missingPrograms(GATEWAY_PROGRAMS, process.env['PATH'] ?? '')
    if (missing !== undefined) throw new UserError(`${missing.program} is missing`, `install the package ${missing.package}`)
    const { connection } = await loadKubeconfig(flags.kubeconfig)
    const client = createClient({
      transport: socketTransport({ ...connection, userAgent: 'sampan-gateway' }),
      fieldManager: 'sampan-gateway',
    })
    const published = flags.address === '0.0.0.0' ? firstAddress() : flags.address
    const work = scope.child()
    try {
      const gateway = await startGateway(work, {
        client,
        stateDir: flags.stateDir,
        address: flags.address,
        publishedAddress: published,
        httpPort: flags.httpPort,
        httpsPort: flags.httpsPort,
        netns: flags.netns,
        measure: flags.measurePort === undefined ? undefined : { address: published, port: flags.measurePort },
      })
      return async () => {
        work.cancel()
        await gateway.stop(scope)
      }
    } catch (error) {
      work.cancel()
      client.close()
      throw error
    }
  })
}

function firstAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  return found?.address ?? '127.0.0.1'
}
