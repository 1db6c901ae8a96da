import { type core, refs } from '#api'
import { type ControllerDefinition, after, done } from '#reconcile'
import { CidrPool, type PoolRange, poolRange } from './pool.ts'

export interface NodeIpamOptions {
  /** All pods of the cluster. */
  readonly clusterCidr: string
  /** Prefix length of each node's part. */
  readonly nodeMaskSize: number
}

/** Nodes may leave meanwhile. */
const LOOK_AGAIN_MS = 30_000

/** Gives each node its part of the cluster's pod addresses. What a node has stays with it until it is deleted. Throws `RangeError` for ranges that cannot be. */
export function nodeIpamController({ clusterCidr, nodeMaskSize }: NodeIpamOptions): ControllerDefinition {
  const range: PoolRange = poolRange(clusterCidr, nodeMaskSize)
  return {
    name: 'node-ipam-controller',
    eventSource: 'cidrAllocator',
    workers: 1,
    setup(context) {
      const pool = new CidrPool(range)
      const nodes = context.watch(refs.nodes, ({ key, old, now }) => {
        if (now === undefined || (old !== undefined && old.metadata?.uid !== now.metadata?.uid)) pool.release(key)
        const cidrs = now === undefined ? [] : cidrsOf(now)
        if (cidrs.length > 0 && (old === undefined || cidrsOf(old).join() !== cidrs.join()) && !pool.occupy(key, cidrs))
          context.scope.log.warn('a node has pod addresses that are not its own part of the range', { node: key, cidrs, clusterCidr })
        return [key]
      })
      const client = context.client.resource(refs.nodes)
      return async (scope, name) => {
        const node = nodes.get(name)
        if (node === undefined || cidrsOf(node).length > 0) return done
        const cidr = pool.take(name)
        if (cidr === undefined) {
          context.events.event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
          return after(LOOK_AGAIN_MS)
        }
        const { uid } = node.metadata ?? {}
        await client.patch(scope, { name }, { type: 'merge', body: { metadata: { uid }, spec: { podCIDR: cidr, podCIDRs: [cidr] } } })
        return done
      }
    },
  }
}

const cidrsOf = ({ spec }: core.Node): readonly string[] => spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])
