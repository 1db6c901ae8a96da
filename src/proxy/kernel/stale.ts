import { type IpFamily } from '#api'
import type { Target } from '../endpoints.ts'
import type { ServicePort } from '../model.ts'

/**
 * UDP has no end of a connection: what the kernel remembers would go on leading to an endpoint that is gone, or (for a Service that had none) to nowhere.
 * Pure; the results are arguments of conntrack.
 */
interface Route {
  readonly family: IpFamily
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
      routes.set(nameOfRoute(service.family, address, port), { family: service.family, address, port, targets })
    }
    add(service.clusterAddress, service.port, service.inside.targets)
    for (const { address } of service.externals) add(address, service.port, outside)
    if (service.nodePort !== undefined) add(undefined, service.nodePort, outside)
  }
  return routes
}

const nameOfRoute = (family: IpFamily, address: string | undefined, port: number | string): string => `${family} ${address ?? ''} ${port}`
const nameOf = ({ address, port }: Target): string => `${address} ${port}`

/** conntrack speaks of IPv4 unless it is told otherwise. */
const inFamily = (family: IpFamily): readonly string[] => (family === 'IPv4' ? [] : ['-f', 'ipv6'])

/** All UDP connections of a family, as arguments of conntrack. */
export const listOf = (family: IpFamily): readonly string[] => ['-L', ...inFamily(family), '-p', 'udp']

/** What to forget once a Service's ports have changed. */
export function staleConnections(before: readonly ServicePort[], after: readonly ServicePort[]): readonly (readonly string[])[] {
  const had = routesOf(before)
  const has = routesOf(after)
  const found: (readonly string[])[] = []
  const forget = ({ family, address, port }: Route, more: readonly string[]): void => {
    found.push([
      '-D',
      ...inFamily(family),
      '-p',
      'udp',
      ...(address === undefined ? [] : ['--orig-dst', address]),
      '--orig-port-dst',
      String(port),
      ...more,
    ])
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

/** What to forget of a listing of the kernel's UDP connections of a family: those of a Service that lead to none of its endpoints although it has some. */
export function staleListed(family: IpFamily, listing: string, wanted: Iterable<readonly ServicePort[]>): readonly (readonly string[])[] {
  const routes = routesOf([...wanted].flat())
  return listing.split('\n').flatMap((line) => {
    const [, from, to = '', fromPort, toPort = '', by, byPort] = ENTRY.exec(line) ?? []
    const route = routes.get(nameOfRoute(family, to, toPort)) ?? routes.get(nameOfRoute(family, undefined, toPort))
    if (from === undefined || fromPort === undefined || route === undefined) return []
    if (route.targets.some(({ address, port }) => address === by && String(port) === byPort)) return []
    return [
      [
        '-D',
        ...inFamily(family),
        '-p',
        'udp',
        '--orig-src',
        from,
        '--orig-dst',
        to,
        '--orig-port-src',
        fromPort,
        '--orig-port-dst',
        toPort,
      ],
    ]
  })
}
