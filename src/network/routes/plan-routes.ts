import { isIPv4 } from 'node:net'
import type { core } from '#api'

/** Pods of one other node: their addresses, and where the node is. */
export interface NodeRoute {
  readonly cidr: string
  readonly node: string
}

/** Pure. One route for each node but `self` that has pod addresses and an address of its own; what was written wrongly gives none. In the order of the ranges. */
export function planRoutes(nodes: readonly core.Node[], self: string | undefined): readonly NodeRoute[] {
  const routes = nodes.flatMap((node): readonly NodeRoute[] => {
    if (node.metadata?.name === self) return []
    const address = node.status?.addresses?.find(({ type, address }) => type === 'InternalIP' && isIPv4(address))?.address
    if (address === undefined) return []
    return (node.spec?.podCIDRs ?? []).filter(isRange).map((cidr) => ({ cidr, node: address }))
  })
  // Two nodes that claim the same range: the kernel holds one route, and it must be the same one after each look.
  const byRange = new Map(routes.toSorted((a, b) => (a.node < b.node ? 1 : -1)).map((route) => [route.cidr, route]))
  return [...byRange.values()].toSorted((a, b) => (a.cidr < b.cidr ? -1 : 1))
}

function isRange(cidr: string): boolean {
  const [address = '', bits = '', ...more] = cidr.split('/')
  return isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) >= 8 && Number(bits) <= 32 && more.length === 0
}

/** What has to be changed for the wanted routes to be the only ones. */
export function changeRoutes(
  present: readonly NodeRoute[],
  wanted: readonly NodeRoute[],
): { readonly add: readonly NodeRoute[]; readonly remove: readonly NodeRoute[] } {
  const key = ({ cidr, node }: NodeRoute): string => `${cidr} ${node}`
  const had = new Set(present.map(key))
  const has = new Set(wanted.map(key))
  const ranges = new Set(wanted.map(({ cidr }) => cidr))
  return {
    add: wanted.filter((route) => !had.has(key(route))),
    // A route to another node under the same range is replaced, not removed.
    remove: present.filter((route) => !has.has(key(route)) && !ranges.has(route.cidr)),
  }
}

/** The overlay's hardware address of a node: it follows from the node's address, so that nobody has to tell it. */
export function overlayAddress(node: string): string {
  const parts = node.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  return ['02', '53', ...parts].join(':')
}
