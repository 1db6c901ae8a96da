import type { core } from '#api'
import type { ReadCertificate } from '../model/certificate.ts'
import { spotText } from '../model/spot.ts'
import { GatewayModel } from '../model/model.ts'
import { Servers } from '../model/servers.ts'
import type { LoginCheck } from '../login/logins.ts'
import type { TokenCheck } from '../tokens/tokens.ts'
import { type Parent, attach } from './attach.ts'
import { wishOfGateway } from './gateway-wish.ts'
import type { GRPCRoute, Gateway, HTTPRoute, Listener, ReferenceGrant, Route, TLSRoute } from './kinds.ts'
import { type JudgedGateway, judgeGateways, portsOf } from './listeners.ts'
import { type JudgedRoute, judgeGrpcRoute, judgeHttpRoute, judgeTlsRoute } from './route-wish.ts'

const PORTS = { httpPort: 80, httpsPort: 443 }

/** Gateways and routes without an API: what they come to in one model. Services `a` and `b` of namespace `x` have port 80. */
export interface ApiWorld {
  readonly gateways: readonly Gateway[]
  readonly httpRoutes?: readonly HTTPRoute[]
  readonly grpcRoutes?: readonly GRPCRoute[]
  readonly tlsRoutes?: readonly TLSRoute[]
  readonly grants?: readonly ReferenceGrant[]
  readonly certificates?: Readonly<Record<string, ReadCertificate>>
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly services?: Readonly<Record<string, core.ServiceSpec>>
  readonly token?: TokenCheck
  readonly login?: LoginCheck
  readonly unavailable?: readonly string[]
  readonly ownAddresses?: readonly string[]
  readonly addressBefore?: (gateway: Gateway) => string | undefined
}

export interface ApiModel {
  readonly model: GatewayModel
  readonly gateways: readonly JudgedGateway[]
  /** By `namespace/name`. */
  readonly routes: ReadonlyMap<string, JudgedRoute & { readonly parents: readonly Parent[] }>
  /** `Type Status Reason` of everything that is said of a route to its first parent. */
  saidOf(route: string): readonly string[]
}

const web: core.ServiceSpec = { ports: [{ name: 'web', port: 80, protocol: 'TCP' }] }

export function apiModel(world: ApiWorld): ApiModel {
  const services = world.services ?? { 'x/a': web, 'x/b': web }
  const servers = new Servers({
    service: (key) => {
      const spec = services[key]
      return spec === undefined ? undefined : { metadata: { name: key }, spec }
    },
    slices: () => [],
  })
  const certificate = (secret: string): ReadCertificate | undefined => world.certificates?.[secret]
  const grantsIn = (namespace: string): readonly ReferenceGrant[] =>
    (world.grants ?? []).filter(({ metadata }) => metadata?.namespace === namespace)
  const gateways = judgeGateways(world.gateways, {
    ...PORTS,
    address: '10.0.0.1',
    ownAddresses: world.ownAddresses ?? [],
    addressBefore: (gateway) => world.addressBefore?.(gateway),
    unavailable: new Set(world.unavailable),
    grantsIn,
    certificate,
  })
  const listenersAt = (spot: string) => gateways.flatMap(({ listeners }) => listeners.filter((one) => spotText(one.spot) === spot))
  const model = new GatewayModel({
    treatment: () => undefined,
    addresses: (port) => servers.addresses(port),
    transport: (port) => servers.transport(port),
    verification: (port) => servers.verification(port),
    certificate,
  })
  for (const one of gateways) model.put(wishOfGateway(one, { ...PORTS, certificate, listenersAt }))
  model.listen(portsOf(gateways, PORTS))
  const view = { refusal: servers.refusal.bind(servers), grantsIn, token: () => world.token, login: () => world.login, observed: () => 7 }
  const routes = new Map<string, JudgedRoute & { readonly parents: readonly Parent[] }>()
  const add = <T extends Route>(
    kind: string,
    all: readonly T[] = [],
    judge: (route: T, parents: readonly Parent[]) => JudgedRoute,
  ): void => {
    for (const route of all) {
      const parents = attach(route, kind, {
        gateway: (key) => gateways.find((one) => one.key === key),
        listenersAt,
        labels: (namespace) => world.labels?.[namespace] ?? {},
      })
      const judged = judge(route, parents)
      routes.set(`${route.metadata?.namespace ?? ''}/${route.metadata?.name ?? ''}`, { ...judged, parents })
      if (parents.length > 0) model.put(judged.refused === undefined ? judged.wish : { ...judged.wish, routes: [] })
    }
  }
  add('HTTPRoute', world.httpRoutes, (route, parents) => judgeHttpRoute(route, parents, view, PORTS))
  add('GRPCRoute', world.grpcRoutes, (route, parents) => judgeGrpcRoute(route, parents, view, PORTS))
  add('TLSRoute', world.tlsRoutes, (route, parents) => judgeTlsRoute(route, parents, view))
  return {
    model,
    gateways,
    routes,
    saidOf: (key) => {
      const found = routes.get(key)
      const accepted = found?.parents[0]?.accepted
      if (found === undefined || accepted === undefined) return []
      const first = accepted.status === 'True' ? (found.refused ?? accepted) : accepted
      return [first, ...found.verdicts].map(({ type, status, reason }) => `${type} ${status} ${reason}`)
    },
  }
}

export const meta = (name: string, namespace = 'x', creationTimestamp = '2026-01-01T00:00:00Z') => ({ name, namespace, creationTimestamp })

export const gatewayWith = (name: string, ...listeners: readonly Listener[]): Gateway => ({
  metadata: meta(name),
  spec: { gatewayClassName: 'sampan', listeners },
})

export const http = (name: string, more: Partial<Listener> = {}): Listener => ({ name, port: 80, protocol: 'HTTP', ...more })
