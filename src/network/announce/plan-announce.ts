import { createHash } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { type core, type discovery, isNodeReady } from '#api'

export interface AnnounceWorld {
  readonly nodeName: string
  readonly nodes: readonly core.Node[]
  readonly services: readonly core.Service[]
  readonly slicesOf: (service: core.Service) => readonly discovery.EndpointSlice[]
  /** Of the addresses that are ours to announce. */
  readonly isOurs: (address: string) => boolean
}

const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** Pure. The addresses of load balancers that this node answers for: each belongs to one of the nodes that can serve it, and all nodes come to the same one by themselves. */
export function planAnnouncements({ nodeName, nodes, services, slicesOf, isOurs }: AnnounceWorld): readonly string[] {
  const able = nodes
    .filter((node) => isNodeReady(node) && !(EXCLUDED in (node.metadata?.labels ?? {})))
    .map(({ metadata }) => metadata?.name ?? '')
  const mine = services.flatMap((service) => {
    if (service.spec?.type !== 'LoadBalancer') return []
    const addresses = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }) => (isIPv4(ip) && isOurs(ip) ? [ip] : []))
    if (addresses.length === 0) return []
    const local = service.spec.externalTrafficPolicy === 'Local' ? nodesWithEndpoints(slicesOf(service)) : undefined
    const serving = local === undefined ? able : able.filter((name) => local.has(name))
    return addresses.filter((address) => ownerOf(address, serving) === nodeName)
  })
  return [...new Set(mine)].sort()
}

/** The highest hash wins: a node that leaves gives away only what it had. */
function ownerOf(address: string, nodes: readonly string[]): string | undefined {
  const weight = (node: string): string => createHash('sha256').update(`${address} ${node}`).digest('hex')
  return nodes.map((node) => ({ node, weight: weight(node) })).toSorted((a, b) => (a.weight < b.weight ? 1 : -1))[0]?.node
}

function nodesWithEndpoints(slices: readonly discovery.EndpointSlice[]): ReadonlySet<string> {
  return new Set(
    slices.flatMap(({ endpoints }) =>
      (endpoints ?? []).flatMap(({ nodeName, conditions }) => (nodeName !== undefined && conditions?.ready !== false ? [nodeName] : [])),
    ),
  )
}
