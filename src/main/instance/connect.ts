import { type Scope, rootScope } from '#base'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import type { InstanceFlags } from '../program/flags.ts'
import { administratorKubeconfig } from './locate.ts'

export type ClusterFlags = InstanceFlags & { readonly kubeconfig?: string }

/** The cluster that a command speaks of, to its administrator. `as` is what the server's log and the owners of fields call the command. */
export async function connectAsAdministrator(flags: ClusterFlags, as: string): Promise<Client> {
  const { connection } = await loadKubeconfig(administratorKubeconfig(flags))
  return createClient({ transport: socketTransport({ ...connection, userAgent: as }), fieldManager: as })
}

/** A command as a whole: runs with such a client, and lets go of it. */
export async function asAdministrator(
  flags: ClusterFlags,
  as: string,
  run: (scope: Scope, client: Client) => Promise<void>,
): Promise<void> {
  using scope = rootScope()
  const client = await connectAsAdministrator(flags, as)
  try {
    await run(scope, client)
  } finally {
    client.close()
  }
}
