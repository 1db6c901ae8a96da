import { type Scope, isCancelled, messageOf } from '#base'
import { type core, refs, IP_FAMILIES, type IpFamily } from '#api'
import type { Informers } from '#reconcile'
import { changeKernelRoutes, presentRoutes } from './kernel-routes.ts'
import { ensureOverlay, hasOverlay, hopOf, removeOverlay } from './overlay.ts'
import { MODE, type NetworkMode, needsOverlay, planDeadEnds, planRoutes, rangesOf } from './plan-routes.ts'
import { runIn } from './run-in.ts'

export interface NodeNetworkOptions {
  readonly informers: Informers
  /** The node whose own pods need no route; undefined for a machine that only wants to reach pods. */
  readonly nodeName?: string
  /** Where other nodes find this one: the overlay packs packets of every family into those of this address, which is one of IPv4. */
  readonly nodeAddress: string
  /** Of pods. Default: IPv4. */
  readonly families?: readonly IpFamily[]
  /**
   * All pods of the cluster, and nothing else: an address of a Service is looked up on its way, too. What no node has of it is nobody's. Routes of other clusters, which share
   * the network, are left alone. Default: not known, the routes of the network are this cluster's.
   */
  readonly podNetworks?: readonly string[]
  readonly mode: NetworkMode
  /** Writes on the Node how this node sends: for others, once it does. */
  readonly tellMode?: (scope: Scope, mode: NetworkMode) => Promise<void>
  /** Only in a network namespace at this path. */
  readonly netns?: string
  /** Routes go over this interface alone. */
  readonly device?: string
  /** How often the kernel is asked whether it still has what it was given. Default: a minute. */
  readonly auditEveryMs?: number
}

const RETRY_MS = 1000
const AUDIT_EVERY_MS = 60_000

/**
 * Keeps routes to the pods of all other nodes, and packets to pods that are nowhere from leaving, until the scope is cancelled (the routes stay: connections go on). The
 * informers are started by the caller after this call. Each look compares all routes that carry our mark with all nodes, so that nothing depends on what was seen before;
 * there is one after each change, and now and then one for what others have done.
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
  const next = async (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stop = (): void => reject(scope.signal.reason)
    scope.signal.addEventListener('abort', stop, { once: true })
    wake = resolve
    const timer = scope.clock.after(options.auditEveryMs ?? AUDIT_EVERY_MS, resolve, { background: true })
    try {
      await promise
    } finally {
      timer.cancel()
      scope.signal.removeEventListener('abort', stop)
    }
  }
  const run = async (): Promise<void> => {
    await nodes.waitForSync(scope)
    for (;;) {
      if (!dirty) await next()
      const isAudit = !dirty
      dirty = false
      try {
        const changes = await apply(scope, options, nodes.list())
        if (isAudit && changes > 0) scope.log.warn('others have changed the routes to pods, they are as they were', { changes })
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

/** Gives how many routes were not there, or too many. */
async function apply(scope: Scope, options: NodeNetworkOptions, nodes: readonly core.Node[]): Promise<number> {
  const run = runIn(scope, options.netns)
  const { mode, nodeName, nodeAddress, families = ['IPv4'], podNetworks = [], device } = options
  const self = nodes.find(({ metadata }) => metadata?.name === nodeName)
  const own = self === undefined ? [] : IP_FAMILIES.flatMap((family) => rangesOf(self, family).map(hopOf))
  // The change that gives this node its addresses comes back here.
  if (mode === 'overlay' && own.length === 0) return 0
  const isNeeded = own.length > 0 && needsOverlay(nodes, nodeName, mode)
  if (isNeeded) await ensureOverlay(run, nodeAddress, own)
  const isThere = nodeName !== undefined && (isNeeded || (await hasOverlay(run)))
  const place = { run, podNetworks, device }
  let changes = 0
  for (const family of families) {
    const wanted = {
      nodes: planRoutes(nodes, nodeName, family, mode),
      deadEnds: planDeadEnds(podNetworks, nodes, nodeName, family),
    }
    changes += await changeKernelRoutes(place, family, await presentRoutes(place, family, isThere), wanted)
  }
  if (isThere && !isNeeded) await removeOverlay(run)
  if (self !== undefined && nodes.length > 1 && self.metadata?.annotations?.[MODE] !== mode) await options.tellMode?.(scope, mode)
  return changes
}
