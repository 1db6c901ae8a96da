import { BlockList, isIP } from 'node:net'

/** What a request on somebody's behalf must never be sent to: this machine itself, the link (where clouds keep credentials), groups. */
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

/** Whether others may have a request sent to this address. IPv4 addresses written as IPv6 ones are judged as what they are. */
export function leadsOutward(ip: string): boolean {
  const family = isIP(ip)
  return family !== 0 && !REFUSED.check(ip, family === 4 ? 'ipv4' : 'ipv6')
}
