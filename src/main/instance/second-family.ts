import { networkInterfaces } from 'node:os'
import { type NodePlace, SERVICE_CIDR6, type SecondFamily, rangesOfIPv6 } from './instance.ts'

/** An address of IPv6 by which others can reach this machine; undefined where it has none. `beside`: of the link that has this one, too. */
export function machineAddress6(beside?: string): string | undefined {
  const links = Object.values(networkInterfaces()).map((addresses) => addresses ?? [])
  const fitting = beside === undefined ? links : links.filter((addresses) => addresses.some(({ address }) => address === beside))
  return fitting.flat().find(({ family, internal, address }) => family === 'IPv6' && !internal && !/^fe[89ab]/i.test(address))?.address
}

/** `number`: of the nodes' own network, where they have one. */
export function secondFamily(number: number | undefined): SecondFamily {
  const { clusterCidr, machineAddress: address } = rangesOfIPv6(number ?? 0)
  return { clusterCidr, serviceCidr: SERVICE_CIDR6, ...(number === undefined ? {} : { machineAddress: address }) }
}

export const addressIPv6 = (ipv6: SecondFamily | undefined, number: number, node: number): Pick<NodePlace, 'address6'> =>
  ipv6 === undefined ? {} : { address6: rangesOfIPv6(number).addressOf(node) }
