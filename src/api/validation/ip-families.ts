/** As Services name them. */
export const IP_FAMILIES = ['IPv4', 'IPv6'] as const
export type IpFamily = (typeof IP_FAMILIES)[number]

/** Of an address, or a network, that is one. */
export const familyOf = (address: string): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4')

/** Each family once, in the order of the networks; of none that are known, the one that every cluster has. */
export function familiesOf(networks: readonly string[]): readonly IpFamily[] {
  const found = [...new Set(networks.map(familyOf))]
  return found.length === 0 ? ['IPv4'] : found
}
