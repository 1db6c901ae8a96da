import type { Scope } from '#base'
import { type core, isConflict, isNodeReady, isNotFound, refs } from '#api'
import { PODS_BY_NODE, after, type ControllerDefinition, done, inParallel, indexByNode, podCondition } from '#reconcile'
import { EvictionPace } from './eviction-pace.ts'
import { isEvicted, isSilent, missingLabels, silentConditions, wantedTaints } from './plan-node.ts'
import { type Evictions, ZoneHealth, zoneKey } from './zone-health.ts'

export interface NodeLifecycleOptions {
  /** A node that has not renewed its Lease or status for this long is taken for unreachable. */
  readonly gracePeriodMs: number
  /** The same for a node that has never reported. */
  readonly startupGracePeriodMs: number
  /** Of how many nodes in trouble evictions begin in a second, in each zone. */
  readonly evictionsPerSecond: number
  /** The same in a large zone of which most is in trouble. */
  readonly slowEvictionsPerSecond: number
}

const LEASES = 'kube-node-lease'
const WIDTH = 16

/** When a node was last heard of, by this process's clock: other machines' clocks are not trusted. */
interface Heard {
  readonly sign: string
  readonly atMs: number
}

export function nodeLifecycleController(options: NodeLifecycleOptions): ControllerDefinition {
  return {
    name: 'node-lifecycle-controller',
    eventSource: 'node-controller',
    workers: 8,
    setup(context) {
      const { client, events } = context
      const clock = context.scope.clock
      const heard = new Map<string, Heard>()
      const known = new Set<string>()
      const health = new ZoneHealth()
      const pace = new EvictionPace()
      const nodes = context.watch(refs.nodes, ({ key, old, now }) => {
        if (now === undefined && old !== undefined) tellRemoved(old)
        if (now === undefined || isNodeReady(now)) pace.forget(key)
        const wasLost = health.isLost
        const others = health.see(key, now)
        // While all were out of reach, no silence was any node's own.
        if (wasLost && !health.isLost) heard.clear()
        return [key, ...others]
      })
      const leases = context.watch(refs.leases, ({ old, now }) =>
        (now ?? old)?.metadata?.namespace === LEASES ? [(now ?? old)?.metadata?.name ?? ''] : [],
      )
      const pods = context.informers.informer(refs.pods)
      indexByNode(pods)
      const nodeClient = client.resource(refs.nodes)
      const podClient = client.resource(refs.pods)

      function tellRemoved(node: core.Node): void {
        const name = node.metadata?.name ?? ''
        heard.delete(name)
        if (known.delete(name)) events.event(node, 'Normal', 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`)
      }

      /** Milliseconds since the node was last heard of. */
      function silentForMs(name: string, node: core.Node): number {
        const heartbeat = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.lastHeartbeatTime
        const sign = `${leases.get(`${LEASES}/${name}`)?.spec?.renewTime ?? ''} ${heartbeat ?? ''}`
        const before = heard.get(name)
        if (before?.sign === sign) return clock.monotonic() - before.atMs
        heard.set(name, { sign, atMs: clock.monotonic() })
        return 0
      }

      /** What may be done about this node's pods now, and how long it takes until more may. */
      function evictionsOn(node: core.Node, name: string): { readonly evictions: Evictions; readonly waitMs: number } {
        const evictions = health.evictionsOn(node)
        const perSecond =
          evictions === 'go on' ? options.evictionsPerSecond : evictions === 'go on slowly' ? options.slowEvictionsPerSecond : undefined
        if (perSecond === undefined || isNodeReady(node) || isEvicted(node)) return { evictions, waitMs: 0 }
        const waitMs = pace.waitMs(zoneKey(node), name, perSecond, clock.monotonic())
        return { evictions: waitMs > 0 ? 'begin no more' : evictions, waitMs }
      }

      /** A pod on a node that is not ready does not serve, whatever its kubelet last said. */
      async function markPodsNotReady(scope: Scope, nodeName: string): Promise<void> {
        const ready = pods.byIndex(PODS_BY_NODE, nodeName).filter((pod) => podCondition(pod, 'Ready')?.status === 'True')
        await inParallel(ready, WIDTH, async (pod) => {
          const condition = podCondition(pod, 'Ready')
          const now = new Date(scope.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
          const conditions = (pod.status?.conditions ?? []).map((one) =>
            one === condition ? { ...one, status: 'False', lastTransitionTime: now } : one,
          )
          try {
            await podClient.update(scope, { ...pod, status: { ...pod.status, conditions } }, { subresource: 'status' })
            events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
          } catch (error) {
            if (!isNotFound(error) && !isConflict(error)) throw error
            if (isConflict(error)) context.enqueue(nodeName, 100)
          }
        })
      }

      return async (scope, name) => {
        const node = nodes.get(name)
        if (node === undefined) return done
        if (!known.has(name)) {
          known.add(name)
          events.event(node, 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)
        }
        const labels = missingLabels(node)
        if (Object.keys(labels).length > 0) await nodeClient.patch(scope, { name }, { type: 'merge', body: { metadata: { labels } } })

        const hasReported = (node.status?.conditions ?? []).some(
          (condition) => condition.type === 'Ready' && condition.reason !== 'NodeStatusNeverUpdated',
        )
        const graceMs = hasReported ? options.gracePeriodMs : options.startupGracePeriodMs
        const leftMs = graceMs - silentForMs(name, node)
        let seen = node
        if (leftMs <= 0) {
          const conditions = silentConditions(node, scope.clock.now())
          if (conditions !== undefined) {
            seen = await nodeClient.update(scope, { ...node, status: { ...node.status, conditions } }, { subresource: 'status' })
            events.event(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
          }
        }
        const { evictions, waitMs } = evictionsOn(seen, name)
        const taints = wantedTaints(seen, evictions, scope.clock.now())
        if (taints !== undefined) {
          const { uid, resourceVersion } = seen.metadata ?? {}
          const version = Object.keys(labels).length > 0 ? {} : { resourceVersion }
          await nodeClient.patch(
            scope,
            { name },
            { type: 'merge', body: { metadata: { uid, ...version }, spec: { taints: taints.length === 0 ? null : taints } } },
          )
        }
        if (isSilent(seen)) await markPodsNotReady(scope, name)
        const soonestMs = Math.min(...[leftMs, waitMs].filter((ms) => ms > 0))
        return Number.isFinite(soonestMs) ? after(soonestMs) : done
      }
    },
  }
}
