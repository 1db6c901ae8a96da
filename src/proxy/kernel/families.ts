import { isIPv4 } from 'node:net'
import { parseIp } from '#api'

/** Address families as Kubernetes names them. */
export const FAMILIES = ['IPv4', 'IPv6'] as const
export type Family = (typeof FAMILIES)[number]

export const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4')

/** The one form of an address; undefined for what is none. */
export const plainAddress = (text: string): string | undefined => (isIPv4(text) ? text : parseIp(text)?.text)

/** How nftables speaks of a family: each has a table of its own, both under one name. */
export interface FamilyWords {
  readonly ip: 'ip' | 'ip6'
  readonly address: 'ipv4_addr' | 'ipv6_addr'
  readonly loopback: string
}

const WORDS: Readonly<Record<Family, FamilyWords>> = {
  IPv4: { ip: 'ip', address: 'ipv4_addr', loopback: '127.0.0.0/8' },
  IPv6: { ip: 'ip6', address: 'ipv6_addr', loopback: '::1' },
}

export const wordsOf = (family: Family): FamilyWords => WORDS[family]

/** The families of networks; of none that are known, the one that every cluster has. */
export function familiesOf(networks: readonly string[]): readonly Family[] {
  const found = FAMILIES.filter((family) => networks.some((network) => familyOf(network) === family))
  return found.length === 0 ? ['IPv4'] : found
}
