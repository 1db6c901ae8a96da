import { networkInterfaces } from 'node:os'

/** An address of IPv6 by which others can reach this machine; undefined where it has none. `beside`: of the link that has this one, too. */
export function machineAddress6(beside?: string): string | undefined {
  const links = Object.values(networkInterfaces()).map((addresses) => addresses ?? [])
  const fitting = beside === undefined ? links : links.filter((addresses) => addresses.some(({ address }) => address === beside))
  return fitting.flat().find(({ family, internal, address }) => family === 'IPv6' && !internal && !/^fe[89ab]/i.test(address))?.address
}
