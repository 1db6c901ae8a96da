import { type NodeRoute, overlayAddress } from './plan-routes.ts'

/** Runs a program in the node's network and gives what it said. Rejects when it fails. */
export type Run = (program: string, args: readonly string[], lines?: readonly string[]) => Promise<string>

/** What pods may send in one packet where the overlay packs it: 1500 less VXLAN's own words. */
export const OVERLAY_MTU = 1450

/** Marks routes as ours: whatever else of the cluster's pods carries it is removed. From the range that the kernel leaves to programs. */
export const PROTOCOL = '201'
export const OVERLAY = { device: 'sampan-vxlan', id: '4787', port: '8472' } as const

export const hasOverlay = async (run: Run): Promise<boolean> =>
  (await run('ip', ['-j', 'link', 'show', 'type', 'vxlan'])).includes(`"${OVERLAY.device}"`)

/** Its routes and neighbours go with it. */
export async function removeOverlay(run: Run): Promise<void> {
  await run('ip', ['link', 'del', OVERLAY.device])
}

/** The node behind each next hop of the overlay's that leads somewhere: it follows from its hardware address. `flag`: of the family. */
export async function overlayNodes(run: Run, flag: string): Promise<ReadonlyMap<string, string>> {
  const list = async (program: string, ...args: readonly string[]): Promise<readonly Neighbour[]> =>
    JSON.parse((await run(program, args)).trim() || '[]') as readonly Neighbour[]
  const neighbours = await list('ip', flag, '-j', 'neigh', 'show', 'dev', OVERLAY.device, 'nud', 'permanent')
  const places = new Set((await list('bridge', '-j', 'fdb', 'show', 'dev', OVERLAY.device)).map(({ mac, dst }) => `${mac} ${dst}`))
  return new Map(
    neighbours.flatMap(({ dst, lladdr = '' }) => {
      const node = nodeOfOverlay(lladdr)
      return dst !== undefined && places.has(`${lladdr} ${node}`) ? [[dst, node] as const] : []
    }),
  )
}

interface Neighbour {
  readonly dst?: string
  readonly lladdr?: string
  readonly mac?: string
}

const nodeOfOverlay = (hardware: string): string =>
  hardware
    .split(':')
    .slice(2)
    .map((part) => Number.parseInt(part, 16))
    .join('.')

/** The device has an address of each family, so that what the node itself says to pods (masqueraded, too) comes back through the overlay. */
export async function ensureOverlay(run: Run, nodeAddress: string, own: readonly string[]): Promise<void> {
  const { device, id, port } = OVERLAY
  const known = await run('ip', ['-d', 'address', 'show', device]).catch(() => '')
  const alone = own.map((address) => (address.includes(':') ? `${address}/128` : `${address}/32`))
  if (known.includes(`local ${nodeAddress} `) && alone.every((address) => known.includes(` ${address} `))) return
  const hardware = overlayAddress(nodeAddress)
  const commands = [
    ...(known === '' ? [] : [`link del ${device}`]),
    `link add ${device} address ${hardware} mtu ${OVERLAY_MTU} type vxlan id ${id} dstport ${port} local ${nodeAddress} nolearning`,
    ...alone.map((address) => `address add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`),
    `link set ${device} up`,
  ]
  await run('ip', ['-batch', '-'], commands)
}

/** The first address of a node's range stands for the node inside the overlay. */
export const hopOf = (cidr: string): string => cidr.replace(/\/\d+$/, '')

export const overlayPlace = ({ node }: NodeRoute): string =>
  `fdb replace ${overlayAddress(node)} dev ${OVERLAY.device} dst ${node} self permanent`

export function overlayAddition(route: NodeRoute): readonly string[] {
  const { device } = OVERLAY
  const { cidr, node } = route
  const onLink = cidr.includes(':') ? '' : ' onlink'
  return [
    `neigh replace ${nextHop(route)} lladdr ${overlayAddress(node)} dev ${device} nud permanent`,
    `route replace ${cidr} via ${nextHop(route)} dev ${device}${onLink} proto ${PROTOCOL}`,
  ]
}

export function overlayRemoval(route: NodeRoute): readonly string[] {
  const { device } = OVERLAY
  return [`route del ${route.cidr} dev ${device} proto ${PROTOCOL}`, `neigh del ${nextHop(route)} dev ${device}`]
}

/** IPv6 takes no next hop that another link leads to, as one of the range itself may be until the route is replaced: there it is the address that every link has. */
const nextHop = ({ cidr, node }: NodeRoute): string => (cidr.includes(':') ? linkLocal(overlayAddress(node)) : hopOf(cidr))

/** RFC 4291, appendix A. */
function linkLocal(hardware: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = hardware.split(':').map((part) => Number.parseInt(part, 16))
  return ['fe80:', (a ^ 2) * 256 + b, c * 256 + 0xff, 0xfe00 + d, e * 256 + f].map((part) => part.toString(16)).join(':')
}
