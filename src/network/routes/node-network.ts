import { type Scope, isCancelled, messageOf } from '#base'
import { type core, refs, IP_FAMILIES, type IpFamily } from '#api'
import type { Informers } from '#reconcile'
import {
  OVERLAY,
  PROTOCOL,
  type Run,
  ensureOverlay,
  hasOverlay,
  hopOf,
  overlayAddition,
  overlayNodes,
  overlayPlace,
  overlayRemoval,
  removeOverlay,
} from './overlay.ts'
import { MODE, type NetworkMode, type NodeRoute, changeRoutes, needsOverlay, planRoutes, rangesOf } from './plan-routes.ts'
import { runIn } from './run-in.ts'

export interface NodeNetworkOptions {
  readonly informers: Informers
  /** The node whose own pods need no route; undefined for a machine that only wants to reach pods. */
  readonly nodeName?: string
  /** Where other nodes find this one: the overlay packs packets of every family into those of this address, which is one of IPv4. */
  readonly nodeAddress: string
  /** Of pods. Default: IPv4. */
  readonly families?: readonly IpFamily[]
  readonly mode: NetworkMode
  /** Writes on the Node how this node sends: for others, once it does. */
  readonly tellMode?: (scope: Scope, mode: NetworkMode) => Promise<void>
  /** Only in a network namespace at this path. */
  readonly netns?: string
  /** Routes go over this interface alone. */
  readonly device?: string
}

const RETRY_MS = 1000

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
  node === undefined ? '' : JSON.stringify([node.spec?.podCIDRs, node.status?.addresses, node.metadata?.annotations?.[MODE]])

async function apply(scope: Scope, options: NodeNetworkOptions, nodes: readonly core.Node[]): Promise<void> {
  const run = runIn(scope, options.netns)
  const { mode, nodeName, nodeAddress, families = ['IPv4'] } = options
  const self = nodes.find(({ metadata }) => metadata?.name === nodeName)
  const own = self === undefined ? [] : IP_FAMILIES.flatMap((family) => rangesOf(self, family).map(hopOf))
  // The change that gives this node its addresses comes back here.
  if (mode === 'overlay' && own.length === 0) return
  const isNeeded = own.length > 0 && needsOverlay(nodes, nodeName, mode)
  if (isNeeded) await ensureOverlay(run, nodeAddress, own)
  const isThere = nodeName !== undefined && (isNeeded || (await hasOverlay(run)))
  for (const family of families) {
    const present = await presentRoutes(run, options, family, isThere)
    const { add, remove } = changeRoutes(present, planRoutes(nodes, nodeName, family, mode))
    if (add.length + remove.length === 0) continue
    const packed = add.filter(({ way }) => way === 'overlay')
    if (packed.length > 0) await run('bridge', ['-batch', '-'], packed.map(overlayPlace))
    const changes = [
      ...remove.flatMap((route) =>
        route.way === 'overlay' ? overlayRemoval(route) : [`route del ${route.cidr} proto ${PROTOCOL}${over(options)}`],
      ),
      ...add.flatMap((route) =>
        route.way === 'overlay'
          ? overlayAddition(route)
          : [`route replace ${route.cidr} via ${route.node} proto ${PROTOCOL}${over(options)}`],
      ),
    ]
    await run('ip', [FLAG[family], '-batch', '-'], changes)
  }
  if (isThere && !isNeeded) await removeOverlay(run)
  if (self !== undefined && nodes.length > 1 && self.metadata?.annotations?.[MODE] !== mode) await options.tellMode?.(scope, mode)
}

const FLAG: Readonly<Record<IpFamily, string>> = { IPv4: '-4', IPv6: '-6' }

const over = ({ device }: NodeNetworkOptions): string => (device === undefined ? '' : ` dev ${device}`)

async function presentRoutes(
  run: Run,
  { device }: NodeNetworkOptions,
  family: IpFamily,
  hasOverlay: boolean,
): Promise<readonly NodeRoute[]> {
  const listed = await run('ip', [FLAG[family], '-j', 'route', 'show', 'proto', PROTOCOL, ...(device === undefined ? [] : ['dev', device])])
  const routes = JSON.parse(listed.trim() || '[]') as readonly KernelRoute[]
  const nodes = hasOverlay ? await overlayNodes(run, FLAG[family]) : new Map<string, string>()
  return routes.flatMap(({ dst: cidr, gateway, dev }): readonly NodeRoute[] => {
    if (cidr === undefined || gateway === undefined) return []
    const node = dev === OVERLAY.device ? nodes.get(gateway) : gateway
    return node === undefined ? [] : [{ cidr, node, way: dev === OVERLAY.device ? 'overlay' : 'route' }]
  })
}

interface KernelRoute {
  readonly dst?: string
  readonly gateway?: string
  readonly dev?: string
}
