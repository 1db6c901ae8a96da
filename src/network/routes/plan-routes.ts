import { type Cidr, type IpFamily, cidrContains, cidrText, type core, familyOf, parseIp, plainCidr } from '#api'

/** `route`: nodes are neighbours, packets go as they are. `overlay`: they are packed into UDP (VXLAN), for nodes with other networks between them. */
export type NetworkMode = 'route' | 'overlay'

/**
 * On a Node: the mode in which it sends, told by itself once it works. Who says `route` may not take what is packed; who says nothing has never sent another way than
 * the cluster does. So nodes can change the mode one after the other, and each pair agrees at every moment.
 */
export const MODE = 'sampan.dev/network-mode'

/** Pods of one other node: their addresses, where the node is, and the way there. */
export interface NodeRoute {
  readonly cidr: string
  /** An address of the node: of the pods' family, or of the first one where the overlay carries both. */
  readonly node: string
  readonly way: NetworkMode
}

/**
 * Pure. One route for each node but `self` and each range of the family's pod addresses that it has; what was written wrongly gives none. In the order of the ranges.
 * Packed is what both sides send packed.
 */
export function planRoutes(
  nodes: readonly core.Node[],
  self: string | undefined,
  family: IpFamily,
  mode: NetworkMode,
): readonly NodeRoute[] {
  const routes = nodes.flatMap((node): readonly NodeRoute[] => {
    if (node.metadata?.name === self) return []
    const way = mode === 'overlay' && node.metadata?.annotations?.[MODE] !== 'route' ? 'overlay' : 'route'
    const by = way === 'overlay' ? 'IPv4' : family
    const [address] = (node.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? addressIn(address, by) : []))
    if (address === undefined) return []
    return rangesOf(node, family).map((cidr) => ({ cidr, node: address, way }))
  })
  // Two nodes that claim the same range: the kernel holds one route, and it must be the same one after each look.
  const byRange = new Map(routes.toSorted((a, b) => (a.node < b.node ? 1 : -1)).map((route) => [route.cidr, route]))
  return [...byRange.values()].toSorted((a, b) => (a.cidr < b.cidr ? -1 : 1))
}

/** Pure. Whether this node has to take packed packets: it sends them, or another node may. */
export function needsOverlay(nodes: readonly core.Node[], self: string | undefined, mode: NetworkMode): boolean {
  return mode === 'overlay' || nodes.some(({ metadata }) => metadata?.name !== self && metadata?.annotations?.[MODE] === 'overlay')
}

/** The pod addresses of a node, each range in its one form. */
export const rangesOf = ({ spec }: core.Node, family: IpFamily): readonly string[] =>
  podRanges(spec?.podCIDRs ?? [], family).map((range) => cidrText(range))

function podRanges(texts: readonly string[], family: IpFamily): readonly Cidr[] {
  const least = family === 'IPv4' ? 8 : 16
  return texts.flatMap((text) => {
    const range = plainCidr(text, family)
    return range === undefined || range.prefix < least ? [] : [range]
  })
}

/**
 * Pure. Ranges whose addresses are pods' or nobody's: where no narrower route leads to a pod or to its node, a packet must not leave by the default route, or
 * a stranger may answer in a dead pod's place. All pods' ranges where they are known, else those of the node itself; none of them lies in another.
 */
export function planDeadEnds(
  podNetworks: readonly string[],
  nodes: readonly core.Node[],
  self: string | undefined,
  family: IpFamily,
): readonly string[] {
  const own = nodes.find(({ metadata }) => metadata?.name === self)?.spec?.podCIDRs ?? []
  const ranges = podRanges([...podNetworks, ...own], family).toSorted((a, b) => a.prefix - b.prefix)
  const kept: Cidr[] = []
  for (const range of ranges) if (!kept.some((wider) => cidrContains(wider, range.network))) kept.push(range)
  return kept.map((range) => cidrText(range)).sort()
}

/** Pure. Whether a range is one of the cluster's pods. Nothing is known of other ranges where the cluster's are not: they all may be. */
export function isOfPods(cidr: string, podNetworks: readonly string[], family: IpFamily): boolean {
  const range = plainCidr(cidr, family)
  const networks = podRanges(podNetworks, family)
  return (
    networks.length === 0 ||
    (range !== undefined && networks.some((wider) => wider.prefix <= range.prefix && cidrContains(wider, range.network)))
  )
}

function addressIn(text: string, family: IpFamily): readonly string[] {
  const ip = parseIp(text)
  return ip === undefined || familyOf(ip.text) !== family ? [] : [ip.text]
}

/** What has to be changed for the wanted routes to be the only ones. */
export function changeRoutes(
  present: readonly NodeRoute[],
  wanted: readonly NodeRoute[],
): { readonly add: readonly NodeRoute[]; readonly remove: readonly NodeRoute[] } {
  const key = ({ cidr, node, way }: NodeRoute): string => `${cidr} ${node} ${way}`
  const had = new Set(present.map(key))
  const has = new Set(wanted.map(key))
  const ranges = new Set(wanted.map(({ cidr }) => cidr))
  return {
    add: wanted.filter((route) => !had.has(key(route))),
    // A route to another node, or by another way, under the same range is replaced, not removed.
    remove: present.filter((route) => !has.has(key(route)) && !ranges.has(route.cidr)),
  }
}

/** The overlay's hardware address of a node: it follows from the node's address, so that nobody has to tell it. */
export function overlayAddress(node: string): string {
  const parts = node.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  return ['02', '53', ...parts].join(':')
}
