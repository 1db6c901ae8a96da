import type { core, discovery, networking } from '#api'
import type { Treatment } from '../traffic/encode.ts'
import type { ReadCertificate } from './certificate.ts'
import type { ReadUsers } from './users.ts'
import type { LoginCheck } from '../login/logins.ts'
import type { TokenCheck } from '../tokens/tokens.ts'
import type { Rule } from '#routing'
import { CONTROLLER, isOurs, ownClasses } from './classes.ts'
import { keyOfIngress, wishOfIngress } from './ingress.ts'
import { GatewayModel } from './model.ts'
import { Servers } from './servers.ts'
import type { MapName } from './wish.ts'

/** A world for the model: namespace `x`, class `sampan`, Services that are named, each with two pods unless said otherwise. */
export interface World {
  readonly ingresses: readonly networking.Ingress[]
  readonly classes?: readonly networking.IngressClass[]
  readonly services?: Readonly<Record<string, core.ServiceSpec>>
  readonly slices?: Readonly<Record<string, readonly discovery.EndpointSlice[]>>
  readonly certificates?: Readonly<Record<string, ReadCertificate>>
  readonly users?: Readonly<Record<string, ReadUsers>>
  readonly token?: TokenCheck
  readonly login?: LoginCheck
  readonly treatments?: Readonly<Record<string, Treatment>>
}

export const sampanClass: networking.IngressClass = { metadata: { name: 'sampan' }, spec: { controller: CONTROLLER } }

export interface ModelInWorld {
  readonly model: GatewayModel
  /** `namespace/name: reason`, and the messages, of the Ingresses in their order. */
  readonly findings: readonly { readonly ingress: string; readonly reason: string; readonly message: string }[]
  routes(map: MapName): readonly (readonly [string, string | undefined])[]
}

export function modelIn(world: World): ModelInWorld {
  return new ChangingWorld(world).now()
}

/** One model whose world changes, object by object, as the gateway hears of it. */
export class ChangingWorld {
  readonly #model: GatewayModel
  #world: World

  constructor(world: World) {
    this.#world = world
    this.#model = new GatewayModel({
      addresses: (port) => this.#servers().addresses(port),
      transport: (port) => this.#servers().transport(port),
      verification: (port) => this.#servers().verification(port),
      treatment: (port) => this.#world.treatments?.[port.service],
      certificate: (key) => this.#world.certificates?.[key],
    })
    this.become(world)
  }

  become(world: World): ModelInWorld {
    this.#world = world
    const own = ownClasses(world.classes ?? [sampanClass])
    const ours = world.ingresses.filter((one) => isOurs(one, own))
    const keys = new Set(ours.map(keyOfIngress))
    // A Map may be changed while it is gone through.
    for (const id of this.#model.wishes()) if (!keys.has(id)) this.#model.remove(id)
    for (const one of ours)
      this.#model.put(
        wishOfIngress(one, {
          problem: (port) => this.#servers().problem(port),
          certificate: (key) => world.certificates?.[key],
          users: (key) => world.users?.[key],
          token: () => world.token,
          login: () => world.login,
          observed: () => 7,
          nowMs: Date.parse('2026-01-01T00:00:00Z'),
        }),
      )
    return this.now()
  }

  now(): ModelInWorld {
    return {
      model: this.#model,
      findings: this.#world.ingresses
        .map(keyOfIngress)
        .flatMap((id) => this.#model.findings(id).map((finding) => ({ ingress: id, ...finding }))),
      routes: (map) => [...this.#model.routeKeys(map)].map((key) => [key, leadsTo(this.#model.route(map, key))] as const),
    }
  }

  #servers(): Servers {
    const { services = {}, slices = {} } = this.#world
    return new Servers({
      service: (key) => {
        const spec = services[key.replace('x/', '')]
        return spec === undefined ? undefined : { metadata: { namespace: 'x', name: key.replace('x/', '') }, spec }
      },
      slices: (key) => slices[key.replace('x/', '')] ?? [slice(['10.1.0.1', '10.1.0.2'])],
    })
  }
}

/** The backend of a route that leads to one; empty: to nobody. */
export function leadsTo(rules: readonly Rule[] | undefined): string | undefined {
  const then = rules?.[0]?.action
  return then?.kind === 'forward' ? (then.to[0]?.backend ?? '') : undefined
}

export const web: core.ServiceSpec = { ports: [{ name: 'web', port: 80, protocol: 'TCP' }] }

export const slice = (
  addresses: readonly string[],
  conditions: discovery.EndpointConditions = { ready: true },
  port = 8080,
): discovery.EndpointSlice => ({
  addressType: 'IPv4',
  ports: [{ name: 'web', port, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions })),
})

export function ingress(name: string, spec: networking.IngressSpec, metadata: networking.Ingress['metadata'] = {}): networking.Ingress {
  return {
    kind: 'Ingress',
    metadata: { namespace: 'x', name, uid: name, creationTimestamp: '2025-01-01T00:00:00Z', ...metadata },
    spec: { ingressClassName: 'sampan', ...spec },
  }
}

export const to = (name: string, port: networking.ServiceBackendPort = { number: 80 }): networking.IngressBackend => ({
  service: { name, port },
})

export const rule = (host: string | undefined, path: string, pathType = 'Prefix', backend = to('a')): networking.IngressRule => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: [{ path, pathType, backend }] },
})
