import { type Scope, rootScope } from '#base'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import type { InstanceFlags } from '../program/flags.ts'
import { administratorKubeconfig } from './locate.ts'

export type ClusterFlags = InstanceFlags & { readonly kubeconfig?: string }

/**
 * The cluster that a command speaks of, to its administrator, for as long as the scope lasts. `as` is what the server's log and the owners of fields call the
 * command.
 */
export async function connectAsAdministrator(scope: Scope, flags: ClusterFlags, as: string): Promise<Client> {
  const { connection } = await loadKubeconfig(administratorKubeconfig(flags))
  const client = createClient({ transport: socketTransport({ ...connection, userAgent: as }), fieldManager: as })
  scope.signal.addEventListener('abort', () => client.close(), { once: true })
  return client
}

/** A command as a whole: runs with such a client. */
export async function asAdministrator(
  flags: ClusterFlags,
  as: string,
  run: (scope: Scope, client: Client) => Promise<void>,
): Promise<void> {
  using scope = rootScope()
  await run(scope, await connectAsAdministrator(scope, flags, as))
}
