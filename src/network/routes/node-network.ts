import { type Scope, isCancelled, messageOf, runProgram } from '#base'
import { type core, refs, IP_FAMILIES, type IpFamily } from '#api'
import type { Informers } from '#reconcile'
import { type NodeRoute, changeRoutes, overlayAddress, planRoutes, rangesOf } from './plan-routes.ts'

/** `route`: nodes are neighbours, packets go as they are. `overlay`: they are packed into UDP (VXLAN), for nodes with other networks between them. */
export type NetworkMode = 'route' | 'overlay'

export interface NodeNetworkOptions {
  readonly informers: Informers
  /** The node whose own pods need no route; undefined for a machine that only wants to reach pods. */
  readonly nodeName?: string
  /** Where other nodes find this one: the overlay packs packets of every family into those of this address, which is one of IPv4. */
  readonly nodeAddress: string
  /** Of pods. Default: IPv4. */
  readonly families?: readonly IpFamily[]
  readonly mode: NetworkMode
  /** Only in a network namespace at this path. */
  readonly netns?: string
  /** Routes go over this interface alone. */
  readonly device?: string
}

/** What pods may send in one packet where the overlay packs it: 1500 less VXLAN's own words. */
export const OVERLAY_MTU = 1450

/** Marks the routes as ours: whatever else carries it is removed. From the range that the kernel leaves to programs. */
const PROTOCOL = '201'
const OVERLAY = { device: 'sampan-vxlan', id: '4787', port: '8472' } as const
const RETRY_MS = 1000
const LIMIT_MS = 20_000

/**
 * Keeps routes to the pods of all other nodes, until the scope is cancelled (they stay: connections go on). The informers are started by the caller after this call.
 * Each look compares all routes that carry our mark with all nodes, so that nothing depends on what was seen before.
 */
export function startNodeNetwork(scope: Scope, options: NodeNetworkOptions): void {
  const nodes = options.informers.informer(refs.nodes)
  let wake = (): void => undefined
  let dirty = true
  nodes.onChange(({ old, now }) => {
    if (routesOf(old) === routesOf(now)) return
    dirty = true
    wake()
  })
  const run = async (): Promise<void> => {
    await nodes.waitForSync(scope)
    for (;;) {
      if (!dirty) {
        await new Promise<void>((resolve, reject) => {
          wake = resolve
          scope.signal.addEventListener('abort', () => reject(scope.signal.reason), { once: true })
        })
      }
      dirty = false
      try {
        await apply(scope, options, nodes.list())
      } catch (error) {
        scope.check()
        scope.log.error('routes to pods of other nodes not applied', { error: messageOf(error) })
        dirty = true
        await scope.sleep(RETRY_MS)
      }
    }
  }
  run().catch((error: unknown) => {
    if (!isCancelled(error)) scope.log.error('routes to pods are not kept any more', { error: messageOf(error) })
  })
}

const routesOf = (node: core.Node | undefined): string =>
  node === undefined ? '' : JSON.stringify([node.spec?.podCIDRs, node.status?.addresses])

async function apply(scope: Scope, options: NodeNetworkOptions, nodes: readonly core.Node[]): Promise<void> {
  const prefix = options.netns === undefined ? [] : ['nsenter', `--net=${options.netns}`]
  const run = async (program: string, args: readonly string[], lines: readonly string[] = []): Promise<string> => {
    const { code, stdout, stderr } = await runProgram(scope, [...prefix, program, ...args], {
      input: `${lines.join('\n')}\n`,
      limitMs: LIMIT_MS,
    })
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }
  const { mode, nodeName, nodeAddress, families = ['IPv4'] } = options
  if (mode === 'overlay') {
    const self = nodes.find(({ metadata }) => metadata?.name === nodeName)
    const own = self === undefined ? [] : IP_FAMILIES.flatMap((family) => rangesOf(self, family).map(hopOf))
    // The change that gives this node its addresses comes back here.
    if (own.length === 0) return
    await ensureOverlay(run, nodeAddress, own)
  }
  for (const family of families) {
    const wanted = planRoutes(nodes, nodeName, family, mode === 'overlay' ? 'IPv4' : family)
    const { add, remove } = changeRoutes(await presentRoutes(run, options, family), wanted)
    if (add.length + remove.length === 0) continue
    const lines =
      mode === 'overlay'
        ? [...remove.flatMap(overlayRemoval), ...add.flatMap(overlayAddition)]
        : [
            ...remove.map(({ cidr }) => `route del ${cidr} proto ${PROTOCOL}${over(options)}`),
            ...add.map(({ cidr, node }) => `route replace ${cidr} via ${node} proto ${PROTOCOL}${over(options)}`),
          ]
    if (mode === 'overlay') await run('bridge', ['-batch', '-'], add.map(overlayPlace))
    await run('ip', [FLAG[family], '-batch', '-'], lines)
  }
}

const FLAG: Readonly<Record<IpFamily, string>> = { IPv4: '-4', IPv6: '-6' }

const over = ({ device }: NodeNetworkOptions): string => (device === undefined ? '' : ` dev ${device}`)

type Run = (program: string, args: readonly string[], lines?: readonly string[]) => Promise<string>

async function presentRoutes(run: Run, { mode, device }: NodeNetworkOptions, family: IpFamily): Promise<readonly NodeRoute[]> {
  const via = mode === 'overlay' ? OVERLAY.device : device
  const listed = await run('ip', [FLAG[family], '-j', 'route', 'show', 'proto', PROTOCOL, ...(via === undefined ? [] : ['dev', via])])
  const routes = JSON.parse(listed.trim() || '[]') as readonly { readonly dst?: string; readonly gateway?: string }[]
  if (mode === 'route')
    return routes.flatMap(({ dst, gateway }) => (dst === undefined || gateway === undefined ? [] : [{ cidr: dst, node: gateway }]))
  // The next hop is the overlay's name of a node; which node it is follows from its hardware address.
  const neighbours = JSON.parse(
    (await run('ip', [FLAG[family], '-j', 'neigh', 'show', 'dev', OVERLAY.device, 'nud', 'permanent'])).trim() || '[]',
  ) as readonly {
    readonly dst?: string
    readonly lladdr?: string
  }[]
  const nodeOf = new Map(neighbours.map(({ dst, lladdr = '' }) => [dst, nodeOfOverlay(lladdr)]))
  return routes.flatMap(({ dst, gateway }) => {
    const node = nodeOf.get(gateway)
    return dst === undefined || node === undefined ? [] : [{ cidr: dst, node }]
  })
}

const nodeOfOverlay = (hardware: string): string =>
  hardware
    .split(':')
    .slice(2)
    .map((part) => Number.parseInt(part, 16))
    .join('.')

/** The device has an address of each family, so that what the node itself says to pods (masqueraded, too) comes back through the overlay. */
async function ensureOverlay(run: Run, nodeAddress: string, own: readonly string[]): Promise<void> {
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
const hopOf = (cidr: string): string => cidr.replace(/\/\d+$/, '')

const overlayPlace = ({ node }: NodeRoute): string => `fdb replace ${overlayAddress(node)} dev ${OVERLAY.device} dst ${node} self permanent`

function overlayAddition({ cidr, node }: NodeRoute): readonly string[] {
  const { device } = OVERLAY
  return [
    `neigh replace ${hopOf(cidr)} lladdr ${overlayAddress(node)} dev ${device} nud permanent`,
    `route replace ${cidr} via ${hopOf(cidr)} dev ${device} onlink proto ${PROTOCOL}`,
  ]
}

function overlayRemoval({ cidr }: NodeRoute): readonly string[] {
  const { device } = OVERLAY
  return [`route del ${cidr} dev ${device} proto ${PROTOCOL}`, `neigh del ${hopOf(cidr)} dev ${device}`]
}
