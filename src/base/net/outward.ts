import { BlockList, isIP } from 'node:net'

/** The link (where clouds keep credentials), groups, and what is nobody's address. */
const NOBODYS = new BlockList()
for (const [network, prefix, family] of [
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['255.255.255.255', 32, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
] as const)
  NOBODYS.addSubnet(network, prefix, family)

const THIS_MACHINE = new BlockList()
THIS_MACHINE.addSubnet('127.0.0.0', 8, 'ipv4')
THIS_MACHINE.addAddress('::1', 'ipv6')

/** Whether an administrator may have a request sent to this address: somebody of this machine or beyond the link. IPv4 addresses written as IPv6 ones are judged as what they are. */
export const leadsSomewhere = (ip: string): boolean => isIP(ip) !== 0 && !isIn(NOBODYS, ip)

/** Whether anybody may have a request sent to this address: the same, but never what only this machine reaches. */
export const leadsOutward = (ip: string): boolean => leadsSomewhere(ip) && !isIn(THIS_MACHINE, ip)

const isIn = (list: BlockList, ip: string): boolean => list.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')
