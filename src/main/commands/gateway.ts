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
    const published = flags.address === '0.0.0.0' ? firstAddress() : flags.address
    checkOwn(flags, published)
    const [missing] = missingPrograms(GATEWAY_PROGRAMS, process.env['PATH'] ?? '')
    if (missing !== undefined) throw new UserError(`${missing.program} is missing`, `install the package ${missing.package}`)
    const { connection } = await loadKubeconfig(flags.kubeconfig)
    const client = createClient({
      transport: socketTransport({ ...connection, userAgent: 'sampan-gateway' }),
      fieldManager: 'sampan-gateway',
    })
    const work = scope.child()
    try {
      const gateway = await startGateway(work, {
        client,
        stateDir: flags.stateDir,
        address: flags.address,
        publishedAddress: published,
        ownAddresses: flags.ownAddress,
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

/** Those of another network namespace are not seen from here: ports that it cannot have are in the status of Gateways. */
function checkOwn({ ownAddress, netns }: GatewayFlags, shared: string): void {
  const here = new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)))
  for (const address of ownAddress) {
    if (!isIPv4(address)) throw new UserError(`not an IPv4 address: ${address}`, 'give --own-address one of this machine')
    if (address === shared)
      throw new UserError(
        `${address} is where Ingresses are served`,
        'give --own-address another one, or --address this one and serve those elsewhere',
      )
    if (netns === undefined && !here.has(address))
      throw new UserError(`${address} is no address of this machine`, `add it to an interface: ip address add ${address}/32 dev lo`)
  }
}

function firstAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  return found?.address ?? '127.0.0.1'
}
