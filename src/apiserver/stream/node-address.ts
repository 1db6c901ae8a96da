import { isIP } from 'node:net'
import { leadsOutward } from '#base'
import { type core, statusError } from '#api'

/** Where a node's own API is. An address, never a name: what was checked is what is dialled. */
export interface NodeAddress {
  readonly node: string
  readonly ip: string
  readonly port: number
}

const AGENT_PORT = 10_250

/** Throws `StatusError` for a node that says no address, or one that requests must not be sent to. */
export function nodeAddress(node: core.Node, isAllowed: (ip: string) => boolean = leadsOutward): NodeAddress {
  const name = node.metadata?.name ?? ''
  const addresses = node.status?.addresses ?? []
  const ip =
    addresses.find(({ type, address }) => type === 'InternalIP' && isIP(address) !== 0)?.address ??
    addresses.find(({ address }) => isIP(address) !== 0)?.address
  if (ip === undefined)
    throw statusError.internal(`no preferred addresses found; known addresses: [${addresses.map(({ address }) => address).join(' ')}]`)
  if (!isAllowed(ip)) throw addressNotAllowed()
  return { node: name, ip, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || AGENT_PORT }
}

export const addressNotAllowed = (): Error => statusError.badRequest('address not allowed')
