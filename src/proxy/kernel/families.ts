import type { IpFamily } from '#api'

/** How nftables speaks of a family: each has a table of its own, both under one name. */
export interface FamilyWords {
  readonly ip: 'ip' | 'ip6'
  readonly address: 'ipv4_addr' | 'ipv6_addr'
  readonly loopback: string
}

const WORDS: Readonly<Record<IpFamily, FamilyWords>> = {
  IPv4: { ip: 'ip', address: 'ipv4_addr', loopback: '127.0.0.0/8' },
  IPv6: { ip: 'ip6', address: 'ipv6_addr', loopback: '::1' },
}

export const wordsOf = (family: IpFamily): FamilyWords => WORDS[family]
