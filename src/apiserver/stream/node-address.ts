import { BlockList, isIP } from 'node:net'
import { type core, statusError } from '#api'

/** Where a node's own API is. An address, never a name: what was checked is what is dialled. */
export interface NodeAddress {
  readonly node: string
  readonly ip: string
  readonly port: number
}

const AGENT_PORT = 10_250

/** Throws `StatusError` for a node that says no address, or one that requests must not be sent to. */
export function nodeAddress(node: core.Node, isAllowed: (ip: string) => boolean = isProxyable): NodeAddress {
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

/** What a request must never be passed on to: this machine itself, the link (where clouds keep credentials), groups. */
const REFUSED = new BlockList()
for (const [network, prefix, family] of [
  ['0.0.0.0', 8, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['255.255.255.255', 32, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['::1', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
] as const)
  REFUSED.addSubnet(network, prefix, family)

/** IPv4 addresses written as IPv6 ones are judged as what they are. */
export function isProxyable(ip: string): boolean {
  const family = isIP(ip)
  return family !== 0 && !REFUSED.check(ip, family === 4 ? 'ipv4' : 'ipv6')
}
