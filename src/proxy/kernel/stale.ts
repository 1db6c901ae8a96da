import type { Target } from '../endpoints.ts'
import type { ServicePort } from '../model.ts'

/**
 * UDP has no end of a connection: what the kernel remembers would go on leading to an endpoint that is gone, or (for a Service that had none) to nowhere.
 * Pure; the results are arguments of conntrack.
 */
interface Route {
  /** Undefined: any address, as for node ports. */
  readonly address: string | undefined
  readonly port: number
  readonly targets: readonly Target[]
}

function routesOf(ports: readonly ServicePort[]): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>()
  for (const service of ports) {
    if (service.protocol !== 'udp') continue
    const outside = [...service.outside.targets, ...(service.outsideFromHere?.targets ?? [])]
    const add = (address: string | undefined, port: number, targets: readonly Target[]): void => {
      routes.set(`${address ?? ''} ${port}`, { address, port, targets })
    }
    add(service.clusterAddress, service.port, service.inside.targets)
    for (const { address } of service.externals) add(address, service.port, outside)
    if (service.nodePort !== undefined) add(undefined, service.nodePort, outside)
  }
  return routes
}

const nameOf = ({ address, port }: Target): string => `${address} ${port}`

/** What to forget once a Service's ports have changed. */
export function staleConnections(before: readonly ServicePort[], after: readonly ServicePort[]): readonly (readonly string[])[] {
  const had = routesOf(before)
  const has = routesOf(after)
  const found: (readonly string[])[] = []
  const forget = ({ address, port }: Route, more: readonly string[]): void => {
    found.push(['-D', '-p', 'udp', ...(address === undefined ? [] : ['--orig-dst', address]), '--orig-port-dst', String(port), ...more])
  }
  for (const [key, route] of had) {
    const left = new Set(has.get(key)?.targets.map(nameOf))
    const gone = new Map(route.targets.map((target) => [nameOf(target), target]))
    for (const [name, { address, port }] of gone)
      if (!left.has(name)) forget(route, ['--reply-src', address, '--reply-port-src', String(port)])
  }
  for (const [key, route] of has) if (route.targets.length > 0 && (had.get(key)?.targets.length ?? 0) === 0) forget(route, [])
  return found
}

const ENTRY = /^udp\s+17 \d+ src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) (?:\[UNREPLIED\] )?src=(\S+) dst=\S+ sport=(\d+) /

/** What to forget of a listing of the kernel's UDP connections: those of a Service that lead to none of its endpoints although it has some. */
export function staleListed(listing: string, wanted: Iterable<readonly ServicePort[]>): readonly (readonly string[])[] {
  const routes = routesOf([...wanted].flat())
  return listing.split('\n').flatMap((line) => {
    const [, from, to = '', fromPort, toPort = '', by, byPort] = ENTRY.exec(line) ?? []
    const route = routes.get(`${to} ${toPort}`) ?? routes.get(` ${toPort}`)
    if (from === undefined || fromPort === undefined || route === undefined) return []
    if (route.targets.some(({ address, port }) => address === by && String(port) === byPort)) return []
    return [['-D', '-p', 'udp', '--orig-src', from, '--orig-dst', to, '--orig-port-src', fromPort, '--orig-port-dst', toPort]]
  })
}
