import { type core, refs } from '#api'
import { type ControllerDefinition, after, done } from '#reconcile'
import { CidrPool, poolRange } from './pool.ts'

export interface NodeIpamOptions {
  /** All pods of the cluster: one range, or one of each family; the first family is that of a pod's first address. */
  readonly clusterCidrs: readonly string[]
  /** Prefix lengths of each node's part. */
  readonly nodeMaskSizes: { readonly ipv4: number; readonly ipv6: number }
}

/** Nodes may leave meanwhile. */
const LOOK_AGAIN_MS = 30_000

const isIPv6 = (cidr: string): boolean => cidr.includes(':')

/** Gives each node its part of the cluster's pod addresses, in each family. What a node has stays with it until it is deleted. Throws `RangeError` for ranges that cannot be. */
export function nodeIpamController({ clusterCidrs, nodeMaskSizes }: NodeIpamOptions): ControllerDefinition {
  if (clusterCidrs.length > 2 || new Set(clusterCidrs.map(isIPv6)).size < clusterCidrs.length)
    throw new RangeError(`not one range of each address family: ${clusterCidrs.join(',')}`)
  const ranges = clusterCidrs.map((cidr) => poolRange(cidr, isIPv6(cidr) ? nodeMaskSizes.ipv6 : nodeMaskSizes.ipv4))
  return {
    name: 'node-ipam-controller',
    eventSource: 'cidrAllocator',
    workers: 1,
    setup(context) {
      const pools = ranges.map((range) => ({
        pool: new CidrPool(range),
        isOf: (cidr: string) => isIPv6(cidr) === (range.network.family === 6),
      }))
      /** What a node has, whoever gave it. Answers whether all of it was free and of the ranges. */
      const occupy = (node: string, cidrs: readonly string[]): boolean => {
        const clean = pools.map(({ pool, isOf }) => pool.occupy(node, cidrs.filter(isOf)))
        return clean.every(Boolean) && cidrs.every((cidr) => pools.some(({ isOf }) => isOf(cidr)))
      }
      const nodes = context.watch(refs.nodes, ({ key, old, now }) => {
        if (now === undefined || (old !== undefined && old.metadata?.uid !== now.metadata?.uid))
          for (const { pool } of pools) pool.release(key)
        const cidrs = now === undefined ? [] : cidrsOf(now)
        if (cidrs.length > 0 && (old === undefined || cidrsOf(old).join() !== cidrs.join()) && !occupy(key, cidrs))
          context.scope.log.warn('a node has pod addresses that are not its own part of the range', { node: key, cidrs, clusterCidrs })
        return [key]
      })
      const client = context.client.resource(refs.nodes)
      return async (scope, name) => {
        const node = nodes.get(name)
        if (node === undefined || cidrsOf(node).length > 0) return done
        const cidrs = pools.flatMap(({ pool }) => pool.take(name) ?? [])
        if (cidrs.length < pools.length) {
          context.events.event(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
          return after(LOOK_AGAIN_MS)
        }
        const { uid } = node.metadata ?? {}
        await client.patch(scope, { name }, { type: 'merge', body: { metadata: { uid }, spec: { podCIDR: cidrs[0], podCIDRs: cidrs } } })
        return done
      }
    },
  }
}

const cidrsOf = ({ spec }: core.Node): readonly string[] => spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])
