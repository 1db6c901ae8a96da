import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import type { InstanceFlags } from '../program/flags.ts'
import { administratorKubeconfig } from './locate.ts'

/** The cluster that a command speaks of, to its administrator. `as` is what the server's log and the owners of fields call the command. */
export async function connectAsAdministrator(flags: InstanceFlags & { readonly kubeconfig?: string }, as: string): Promise<Client> {
  const { connection } = await loadKubeconfig(administratorKubeconfig(flags))
  return createClient({ transport: socketTransport({ ...connection, userAgent: as }), fieldManager: as })
}
