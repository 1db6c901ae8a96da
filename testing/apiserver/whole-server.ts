import { join } from 'node:path'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'

/** Flags of a server as `sampan server` runs it, here in memory and for this process alone: what a test is about stands beside them. */
export const wholeServer = (stateDir: string) =>
  ({
    stateDir,
    securePort: 0,
    bindAddress: '127.0.0.1',
    advertiseAddress: '192.0.2.1',
    store: 'memory',
    serviceClusterIpRange: '10.96.0.0/16',
    metrics: false,
    nodes: [] as readonly string[],
  }) as const

/** A client with one of the kubeconfigs that such a server has written. Owned by the caller. */
export async function clientOf(stateDir: string, file = 'admin.kubeconfig'): Promise<Client> {
  const { connection } = await loadKubeconfig(join(stateDir, file))
  return createClient({ transport: socketTransport(connection) })
}
