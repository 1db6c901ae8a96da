import { type Scope, isCancelled, messageOf, runProgram } from '#base'
import { type core, refs } from '#api'
import type { Informers } from '#reconcile'
import { type NodeRoute, changeRoutes, overlayAddress, planRoutes } from './plan-routes.ts'

/** `route`: nodes are neighbours, packets go as they are. `overlay`: they are packed into UDP (VXLAN), for nodes with other networks between them. */
export type NetworkMode = 'route' | 'overlay'

export interface NodeNetworkOptions {
  readonly informers: Informers
  /** The node whose own pods need no route; undefined for a machine that only wants to reach pods. */
  readonly nodeName?: string
  readonly nodeAddress: string
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
        const all = nodes.list()
        await apply(scope, options, planRoutes(all, options.nodeName), ownRange(all, options))
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

const ownRange = (nodes: readonly core.Node[], { nodeName }: NodeNetworkOptions): string | undefined =>
  nodes.find(({ metadata }) => metadata?.name === nodeName)?.spec?.podCIDR || undefined

const routesOf = (node: core.Node | undefined): string => (node === undefined ? '' : JSON.stringify(planRoutes([node], undefined)))

async function apply(scope: Scope, options: NodeNetworkOptions, wanted: readonly NodeRoute[], own: string | undefined): Promise<void> {
  const prefix = options.netns === undefined ? [] : ['nsenter', `--net=${options.netns}`]
  const run = async (program: string, args: readonly string[], lines: readonly string[] = []): Promise<string> => {
    const { code, stdout, stderr } = await runProgram(scope, [...prefix, program, ...args], {
      input: `${lines.join('\n')}\n`,
      limitMs: LIMIT_MS,
    })
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout
  }
  if (options.mode === 'overlay') {
    // The change that gives this node its addresses comes back here.
    if (own === undefined) return
    await ensureOverlay(run, options.nodeAddress, hopOf(own))
  }
  const { add, remove } = changeRoutes(await presentRoutes(run, options), wanted)
  if (add.length + remove.length === 0) return
  if (options.mode === 'overlay') {
    const { device } = OVERLAY
    await run(
      'bridge',
      ['-batch', '-'],
      add.map(({ node }) => `fdb replace ${overlayAddress(node)} dev ${device} dst ${node} self permanent`),
    )
    await run('ip', ['-batch', '-'], [...remove.flatMap(overlayRemoval), ...add.flatMap(overlayAddition)])
  } else {
    await run(
      'ip',
      ['-batch', '-'],
      [
        ...remove.map(({ cidr }) => `route del ${cidr} proto ${PROTOCOL}${over(options)}`),
        ...add.map(({ cidr, node }) => `route replace ${cidr} via ${node} proto ${PROTOCOL}${over(options)}`),
      ],
    )
  }
}

const over = ({ device }: NodeNetworkOptions): string => (device === undefined ? '' : ` dev ${device}`)

type Run = (program: string, args: readonly string[], lines?: readonly string[]) => Promise<string>

async function presentRoutes(run: Run, { mode, device }: NodeNetworkOptions): Promise<readonly NodeRoute[]> {
  const via = mode === 'overlay' ? OVERLAY.device : device
  const listed = await run('ip', ['-j', 'route', 'show', 'proto', PROTOCOL, ...(via === undefined ? [] : ['dev', via])])
  const routes = JSON.parse(listed.trim() || '[]') as readonly { readonly dst?: string; readonly gateway?: string }[]
  if (mode === 'route')
    return routes.flatMap(({ dst, gateway }) => (dst === undefined || gateway === undefined ? [] : [{ cidr: dst, node: gateway }]))
  // The next hop is the overlay's name of a node; which node it is follows from its hardware address.
  const neighbours = JSON.parse(
    (await run('ip', ['-j', 'neigh', 'show', 'dev', OVERLAY.device, 'nud', 'permanent'])).trim() || '[]',
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

/** The device has an address, so that what the node itself says to pods (masqueraded, too) comes back through the overlay. */
async function ensureOverlay(run: Run, nodeAddress: string, own: string): Promise<void> {
  const { device, id, port } = OVERLAY
  const known = await run('ip', ['-d', 'address', 'show', device]).catch(() => '')
  if (known.includes(`local ${nodeAddress} `) && known.includes(` ${own}/32 `)) return
  const address = overlayAddress(nodeAddress)
  const commands = [
    ...(known === '' ? [] : [`link del ${device}`]),
    `link add ${device} address ${address} mtu ${OVERLAY_MTU} type vxlan id ${id} dstport ${port} local ${nodeAddress} nolearning`,
    `address add ${own}/32 dev ${device}`,
    `link set ${device} up`,
  ]
  await run('ip', ['-batch', '-'], commands)
}

/** The first address of a node's range stands for the node inside the overlay. */
const hopOf = (cidr: string): string => cidr.replace(/\/\d+$/, '')

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
