import { type Scope, rootScope } from '#base'
import { type KubeObject, type apiextensions, type apps, type networking, refs } from '#api'
import { type Client, type TransportAnswer, createClient, inProcessTransport } from '#client'
import type { ControllerContext, Informer } from '#reconcile'
import { type ManualClock, type TestApiServer, manualClock, testApiServer } from '#testing'
import { installKinds } from '../platform/install-kinds.ts'
import { releaseController } from './controller.ts'
import { releaseRef } from './kinds.ts'
import { type Release, type ReleaseSpec, TERMINAL } from './objects.ts'
import { releasePart } from './part.ts'
import { type HttpRoute, httpRouteRef } from './route/http-route.ts'

const BUCKETS = 4

/** Thrown in the place of an answer: the process is gone. */
export class Killed extends Error {}

/** What of each request to a Service comes back; by name of the Service. */
export interface Behaviour {
  readonly errors?: number
  /** Share of requests in the last bucket. */
  readonly slow?: number
}

/**
 * A shop in a namespace of its own on a real API server: a Deployment whose pods come as soon as time passes, a Service, an Ingress, and a gateway of which only the
 * counts are there: so many requests a second, shared as the Ingress says.
 */
export class Shop {
  readonly namespace: string
  readonly client: Client
  readonly clock: ManualClock = manualClock()
  readonly scope: Scope
  readonly behaviour: Record<string, Behaviour> = {}
  requestsPerSecond = 300
  /** Instance of the gateway; undefined: nobody counts. */
  instance: string | undefined = 'one'
  /** Pods of these Deployments do not get ready; of templates with such an image neither. */
  readonly stuck = new Set<string>()
  /** Called before and after each call of the controller. */
  onCall: (call: { readonly method: string; readonly path: string; readonly isDone: boolean }) => void = () => undefined
  /** Every state of the route that was seen, and what was wrong with it. */
  readonly wrongs: string[] = []
  readonly weights: string[] = []
  readonly #counts = new Map<string, { requests: number; errors: number; slow: number }>()
  readonly #api: TestApiServer
  readonly #isByHttpRoute: boolean

  constructor(api: TestApiServer, namespace: string, isByHttpRoute = false) {
    this.#isByHttpRoute = isByHttpRoute
    this.#api = api
    this.namespace = namespace
    this.client = createClient({ transport: inProcessTransport(api.server.handler) })
    this.scope = { ...rootScope({ clock: this.clock }), clock: this.clock }
  }

  async open(): Promise<this> {
    const { namespace, scope } = this
    await this.client.resource(refs.namespaces).create(scope, { metadata: { name: namespace } })
    await this.client.resource(refs.deployments).create(scope, deployment(namespace))
    await this.client.resource(refs.services).create(scope, {
      metadata: { name: 'shop', namespace },
      spec: { selector: { app: 'shop' }, ports: [{ name: 'web', port: 80, protocol: 'TCP' }] },
    })
    if (this.#isByHttpRoute) await this.client.resource(httpRouteRef).create(scope, httpRoute(namespace))
    else await this.client.resource(refs.ingresses).create(scope, ingress(namespace))
    await this.settle()
    return this
  }

  async start(name: string, spec: Partial<ReleaseSpec> = {}): Promise<void> {
    const route = this.#isByHttpRoute ? { httpRoute: 'shop' } : { ingress: 'shop' }
    const whole = { deployment: 'shop', service: 'shop', ...route, images: { web: 'shop:2' }, ...spec }
    await this.client.resource(releaseRef).create(this.scope, { metadata: { name, namespace: this.namespace }, spec: whole as ReleaseSpec })
  }

  async say(name: string, spec: Partial<ReleaseSpec>): Promise<void> {
    await this.client.resource(releaseRef).patch(this.scope, { namespace: this.namespace, name }, { type: 'merge', body: { spec } })
  }

  release(name: string): Promise<Release> {
    return this.client.resource(releaseRef).get(this.scope, { namespace: this.namespace, name })
  }
  get<T extends KubeObject>(ref: { readonly object?: T } & Parameters<Client['resource']>[0], name: string): Promise<T> {
    return this.client.resource(ref).get(this.scope, { namespace: this.namespace, name }) as Promise<T>
  }
  async exists(ref: Parameters<Client['resource']>[0], name: string): Promise<boolean> {
    return (await this.client.resource(ref).list(this.scope, { namespace: this.namespace })).items.some(
      ({ metadata }) => metadata?.name === name,
    )
  }

  /** Runs the controller, with time between its turns, until `until` holds of the Release; a controller that is killed begins anew. */
  async run(name: string, until: (release: Release) => boolean = isOver, turns = 250): Promise<Release> {
    let reconcile = this.#controller()
    for (let turn = 0; turn < turns; turn++) {
      const seen = await this.release(name)
      if (until(seen)) return seen
      let delayMs = 500
      try {
        const result = await reconcile(this.scope, `${this.namespace}/${name}`)
        if (result.kind === 'after') delayMs = Math.min(result.delayMs, 5000)
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        reconcile = this.#controller()
      }
      await this.pass(delayMs)
    }
    const { status } = await this.release(name)
    throw new Error(`after ${turns} turns it is ${JSON.stringify({ ...status, stable: 0, next: 0, analysis: 0 })}`)
  }

  /** One turn of a controller that has just begun. No time passes, and no requests come. */
  async turn(name: string): Promise<Release> {
    await this.#controller()(this.scope, `${this.namespace}/${name}`)
    return this.release(name)
  }

  /** So many turns of a controller that has just begun. */
  async turns(name: string, count: number): Promise<void> {
    let left = count
    await this.run(name, () => left-- === 0, count + 1)
  }

  /** Requests come and pods get ready. */
  async pass(ms: number): Promise<void> {
    await this.#traffic(ms / 1000)
    this.clock.advance(ms)
    await this.settle()
  }

  /** Deployments as their controller would make them. */
  async settle(): Promise<void> {
    const resource = this.client.resource(refs.deployments)
    for (const one of (await resource.list(this.scope, { namespace: this.namespace })).items) {
      const name = one.metadata?.name ?? ''
      const wanted = one.spec?.replicas ?? 1
      const isStuck = this.stuck.has(name) || this.stuck.has(one.spec?.template.spec?.containers[0]?.image ?? '')
      const ready = isStuck ? 0 : wanted
      if (one.status?.observedGeneration === one.metadata?.generation && (one.status?.availableReplicas ?? 0) === ready) continue
      const status = {
        observedGeneration: one.metadata?.generation,
        replicas: wanted,
        updatedReplicas: wanted,
        readyReplicas: ready,
        availableReplicas: ready,
      }
      await resource.update(this.scope, { ...one, status }, { subresource: 'status' })
    }
  }

  async shares(): Promise<Readonly<Record<string, number>>> {
    if (this.#isByHttpRoute) {
      const { spec: of } = await this.get<HttpRoute>(httpRouteRef, 'shop')
      const backends = of.rules?.[0]?.backendRefs ?? []
      // Alone it has all requests, whatever its weight is.
      return Object.fromEntries(backends.map(({ name, weight = 1 }) => [name, backends.length === 1 ? 100 : weight]))
    }
    const { metadata, spec } = await this.get<networking.Ingress>(refs.ingresses, 'shop')
    const text = metadata?.annotations?.['sampan.io/service-weight'] ?? 'shop: 100'
    const named = new Set((spec?.rules?.[0]?.http?.paths ?? []).map(({ backend }) => backend.service?.name))
    const shares = Object.fromEntries(text.split(', ').map((one) => [one.split(': ')[0] ?? '', Number(one.split(': ')[1])]))
    for (const service of Object.keys(shares)) if (!named.has(service)) this.wrongs.push(`${service} has a weight and no path`)
    return shares
  }

  async #traffic(seconds: number): Promise<void> {
    const shares = await this.shares()
    const text = JSON.stringify(shares)
    if (this.weights.at(-1) !== text) this.weights.push(text)
    const sum = Object.values(shares).reduce((all, one) => all + one, 0)
    if (sum !== 100) this.wrongs.push(`weights of ${text}`)
    for (const [service, weight] of Object.entries(shares)) {
      if (weight > 0 && !(await this.#serves(service))) this.wrongs.push(`requests to ${service}, where nobody is`)
      const requests = Math.round((this.requestsPerSecond * seconds * weight) / sum)
      const { errors = 0, slow = 0 } = this.behaviour[service] ?? {}
      const known = this.#counts.get(service) ?? { requests: 0, errors: 0, slow: 0 }
      this.#counts.set(service, {
        requests: known.requests + requests,
        errors: known.errors + Math.round(requests * errors),
        slow: known.slow + Math.round(requests * slow),
      })
    }
  }

  async #serves(service: string): Promise<boolean> {
    if (!(await this.exists(refs.services, service)) || !(await this.exists(refs.deployments, service))) return false
    return ((await this.get<apps.Deployment>(refs.deployments, service)).status?.availableReplicas ?? 0) > 0
  }

  #controller(): ReturnType<typeof releaseController.setup> {
    const context = {
      scope: this.scope,
      client: this.#killable(),
      informers: { informer: () => NO_INFORMER, known: () => undefined, start: async () => undefined },
      events: { event: () => undefined },
      watch: () => NO_INFORMER,
      enqueue: () => undefined,
    }
    return releaseController.setup(context as unknown as ControllerContext)
  }

  #killable(): Client {
    const inner = inProcessTransport(this.#api.server.handler)
    return createClient({
      transport: {
        ...inner,
        send: async (scope, request) => {
          const call = { method: request.method, path: request.target }
          if (request.target.startsWith('/apis/measure.sampan.io/')) return answerOf(this.#measured(request.target))
          this.onCall({ ...call, isDone: false })
          const answer = await inner.send(scope, request)
          this.onCall({ ...call, isDone: true })
          return answer
        },
      },
    })
  }

  #measured(path: string): object | undefined {
    if (this.instance === undefined) return undefined
    const { requests, errors, slow } = this.#counts.get(path.split('/').at(-1) ?? '') ?? { requests: 0, errors: 0, slow: 0 }
    const counts = Array.from({ length: BUCKETS }, (_, at) => (at === 0 ? requests - slow : at === BUCKETS - 1 ? slow : 0))
    return { instance: this.instance, requests, errors, durationSeconds: { bounds: [0.01, 0.1, 1], counts } }
  }

  /** The gateway is another one: it has counted nothing yet. */
  newGateway(instance: string): void {
    this.instance = instance
    this.#counts.clear()
  }
}

export const isOver = ({ status }: Release): boolean => status !== undefined && TERMINAL.has(status.phase)

function answerOf(value: object | undefined): TransportAnswer {
  const bytes = Buffer.from(
    JSON.stringify(value ?? { kind: 'Status', apiVersion: 'v1', code: 503, reason: 'ServiceUnavailable', message: 'nobody counts' }),
  )
  return {
    status: value === undefined ? 503 : 200,
    headers: { 'content-type': 'application/json' },
    bytes: async () => bytes,
    async *chunks() {
      yield bytes
    },
    discard: () => undefined,
  }
}

const NO_INFORMER = {
  addIndex: () => undefined,
  byIndex: () => [],
  list: () => [],
  get: () => undefined,
  onChange: () => undefined,
} as unknown as Informer<KubeObject>

export const deployment = (namespace: string): apps.Deployment => ({
  metadata: { name: 'shop', namespace },
  spec: {
    replicas: 10,
    selector: { matchLabels: { app: 'shop' } },
    template: { metadata: { labels: { app: 'shop', team: 'a' } }, spec: { containers: [{ name: 'web', image: 'shop:1' }] } },
  },
})

const httpRoute = (namespace: string): HttpRoute => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace },
  spec: { rules: [{ backendRefs: [{ name: 'shop', port: 80, weight: 1 }] }] },
})

const ingress = (namespace: string): networking.Ingress => ({
  metadata: { name: 'shop', namespace },
  spec: {
    rules: [
      {
        host: 'shop.example',
        http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'shop', port: { number: 80 } } } }] },
      },
    ],
  },
})

/** As far as a release looks at it; a gateway installs the whole. */
const httpRouteKind: apiextensions.CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'httproutes.gateway.networking.k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/1' },
  },
  spec: {
    group: httpRouteRef.group,
    scope: 'Namespaced',
    names: { kind: 'HTTPRoute', plural: 'httproutes', singular: 'httproute', listKind: 'HTTPRouteList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
}

export async function openApi(): Promise<TestApiServer> {
  const api = await testApiServer()
  const client = createClient({ transport: inProcessTransport(api.server.handler) })
  await installKinds(api.scope, client, [...releasePart.kinds, httpRouteKind])
  return api
}
