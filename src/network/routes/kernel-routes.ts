import { IP_FAMILIES, type IpFamily, familiesOf } from '#api'
import type { Scope } from '#base'
import {
  OVERLAY,
  PROTOCOL,
  type Run,
  hasOverlay,
  overlayAddition,
  overlayNodes,
  overlayPlace,
  overlayRemoval,
  removeOverlay,
} from './overlay.ts'
import { type NodeRoute, changeRoutes, isOfPods } from './plan-routes.ts'
import { runIn } from './run-in.ts'

/** What a network is to have, or has, of a family's routes. */
export interface Routes {
  readonly nodes: readonly NodeRoute[]
  /** Ranges from which packets come back as undeliverable. */
  readonly deadEnds: readonly string[]
}

/** Where the routes of one cluster are. */
export interface RoutePlace {
  readonly run: Run
  /** The cluster's: routes to other ranges are those of another one, where several share a network. None: all routes that carry our mark. */
  readonly podNetworks: readonly string[]
  /** Routes to nodes go over this interface alone. */
  readonly device: string | undefined
}

const FLAG: Readonly<Record<IpFamily, string>> = { IPv4: '-4', IPv6: '-6' }

/** Every other route is better: that of a pod's link, of a switch, or whatever a chain of plugins makes. */
const LAST = 'metric 4000000000'
const deadEnd = (cidr: string): string => `unreachable ${cidr} proto ${PROTOCOL} ${LAST}`

const over = ({ device }: RoutePlace): string => (device === undefined ? '' : ` dev ${device}`)

export async function presentRoutes(place: RoutePlace, family: IpFamily, overlay: boolean): Promise<Routes> {
  const { run, podNetworks, device } = place
  const listed = await run('ip', [FLAG[family], '-j', 'route', 'show', 'proto', PROTOCOL])
  const routes = (JSON.parse(listed.trim() || '[]') as readonly KernelRoute[]).flatMap(({ dst, ...rest }) =>
    dst !== undefined && isOfPods(dst, podNetworks, family) ? [{ cidr: dst, ...rest }] : [],
  )
  const nodes = overlay ? await overlayNodes(run, FLAG[family]) : new Map<string, string>()
  return {
    nodes: routes.flatMap(({ cidr, gateway, dev }): readonly NodeRoute[] => {
      if (gateway === undefined || (device !== undefined && dev !== device)) return []
      const node = dev === OVERLAY.device ? nodes.get(gateway) : gateway
      return node === undefined ? [] : [{ cidr, node, way: dev === OVERLAY.device ? 'overlay' : 'route' }]
    }),
    deadEnds: routes.flatMap(({ type, cidr }) => (type === 'unreachable' ? [cidr] : [])),
  }
}

interface KernelRoute {
  readonly type?: string
  readonly dst?: string
  readonly gateway?: string
  readonly dev?: string
}

/** Makes the present routes the wanted ones, and gives how many of them were not. A dead end comes after the ways that lead past it. */
export async function changeKernelRoutes(place: RoutePlace, family: IpFamily, present: Routes, wanted: Routes): Promise<number> {
  const { run } = place
  const { add, remove } = changeRoutes(present.nodes, wanted.nodes)
  const ends = wanted.deadEnds.filter((cidr) => !present.deadEnds.includes(cidr))
  const opened = present.deadEnds.filter((cidr) => !wanted.deadEnds.includes(cidr))
  const count = add.length + remove.length + ends.length + opened.length
  if (count === 0) return 0
  const packed = add.filter(({ way }) => way === 'overlay')
  if (packed.length > 0) await run('bridge', ['-batch', '-'], packed.map(overlayPlace))
  const changes = [
    ...remove.flatMap((route) =>
      route.way === 'overlay' ? overlayRemoval(route) : [`route del ${route.cidr} proto ${PROTOCOL}${over(place)}`],
    ),
    ...add.flatMap((route) =>
      route.way === 'overlay' ? overlayAddition(route) : [`route replace ${route.cidr} via ${route.node} proto ${PROTOCOL}${over(place)}`],
    ),
    ...opened.map((cidr) => `route del ${deadEnd(cidr)}`),
    ...ends.map((cidr) => `route replace ${deadEnd(cidr)}`),
  ]
  await run('ip', [FLAG[family], '-batch', '-'], changes)
  return count
}

export interface ReleasedRoutes {
  readonly podNetworks: readonly string[]
  readonly netns?: string
  /** Of a machine that is no node: the interface that its nodes are behind. */
  readonly device?: string
}

/** Takes away all routes to the pods of a cluster that runs no more, and a node's way that packs. Works whether they are there or not. */
export async function releaseRoutes(scope: Scope, { podNetworks, netns, device }: ReleasedRoutes): Promise<void> {
  const place: RoutePlace = { run: runIn(scope, netns), podNetworks, device }
  const overlay = device === undefined && (await hasOverlay(place.run))
  for (const family of IP_FAMILIES.filter((one) => familiesOf(podNetworks).includes(one)))
    await changeKernelRoutes(place, family, await presentRoutes(place, family, overlay), { nodes: [], deadEnds: [] })
  if (overlay) await removeOverlay(place.run)
}
