import type { Scope } from '#base'
import { type KubeObject, type core, refs } from '#api'
import type { Informer } from '#reconcile'
import { CONTROLLER } from '../model/classes.ts'
import { spotText } from '../model/spot.ts'
import { wantsObserving } from '../model/annotations/observe.ts'
import { loginsOf, tokensOf } from '../model/annotations/passes.ts'
import type { IngressSurroundings } from '../ingress-source.ts'
import { type Callers, type RouteSource, taken } from '../source.ts'
import { type AttachView, type Parent, attach } from './attach.ts'
import type { Verdict } from './status/conditions.ts'
import { wishOfGateway } from './gateway-wish.ts'
import {
  type GRPCRoute,
  type Gateway,
  type GatewayClass,
  type HTTPRoute,
  type ReferenceGrant,
  type Route,
  type TLSRoute,
  gatewayRefs,
  keyOf,
} from './kinds.ts'
import { type JudgedGateway, type JudgedListener, judgeGateways, portsOf, secretsOfGateway } from './listeners.ts'
import { type JudgedRoute, judgeGrpcRoute, judgeHttpRoute, judgeTlsRoute, wishIdOf } from './route-wish.ts'
import { PolicyWork } from './policies/policy-work.ts'
import { StatusWriter } from './status/status-writer.ts'

export interface GatewayApiSurroundings extends IngressSurroundings {
  readonly httpPort: number
  readonly httpsPort: number
  /** Those that one Gateway each can have for itself. */
  readonly ownAddresses: readonly string[]
  /** All kinds are there in versions that are known here. */
  readonly isRecognized: boolean
}

const GATEWAY = 'Gateway'
const CLASS = 'GatewayClass'
const POLICY = 'BackendTLSPolicy'
const NAMESPACE_INDEX = 'gateway-namespace'

interface KnownRoute {
  readonly parents: readonly Parent[]
  readonly verdicts: readonly Verdict[]
  readonly refused: Verdict | undefined
  /** `namespace/name` of Services that it leads to. */
  readonly services: ReadonlySet<string>
  /** Of listeners that count it, as `countKey` has them. */
  readonly counted: readonly string[]
}

/** A kind of routes: its objects, and what one of them wants. */
interface RouteKind {
  readonly informer: Informer<Route>
  judge(route: Route, parents: readonly Parent[]): JudgedRoute
}

export function startGatewayApi(around: GatewayApiSurroundings, callers: Callers): GatewayApiSource {
  return new GatewayApiSource(around, callers)
}

/** Gateways of our classes, and the routes that are attached to them. */
export class GatewayApiSource implements RouteSource {
  readonly #around: GatewayApiSurroundings
  readonly #classes: Informer<GatewayClass>
  readonly #gateways: Informer<Gateway>
  readonly #grants: Informer<ReferenceGrant>
  readonly #namespaces: Informer<core.Namespace>
  readonly #kinds: ReadonlyMap<string, RouteKind>
  readonly #writer: StatusWriter
  readonly #policies: PolicyWork
  readonly #dirtyRoutes = new Set<string>()
  readonly #unpublished = new Set<string>()
  readonly #routes = new Map<string, KnownRoute>()
  readonly #attached = new Map<string, number>()
  #areGatewaysDirty = true
  #judged: ReadonlyMap<string, JudgedGateway> = new Map()
  #bySpot: ReadonlyMap<string, readonly JudgedListener[]> = new Map()
  #unavailable: ReadonlySet<string> = new Set()
  /** What routes depend on of the Gateways. */
  #fingerprint = ''

  constructor(around: GatewayApiSurroundings, { onRoutes, onStatus }: Callers) {
    this.#around = around
    const { informers, servers } = around
    this.#classes = informers.informer(gatewayRefs.classes)
    this.#gateways = informers.informer(gatewayRefs.gateways)
    this.#grants = informers.informer(gatewayRefs.grants)
    this.#grants.addIndex(NAMESPACE_INDEX, ({ metadata }) => [metadata?.namespace ?? ''])
    this.#namespaces = informers.informer(refs.namespaces)
    this.#writer = new StatusWriter(around.client, around.isRecognized)
    const view = {
      refusal: servers.refusal.bind(servers),
      grantsIn: (namespace: string) => this.#grantsIn(namespace),
      token: (wish: string) => around.tokens.check(wish),
      login: (wish: string) => around.logins.check(wish),
      observed: (wish: string) => around.observed.numberOf(wish),
    }
    const kind = <T extends Route>(informer: Informer<T>, judge: (route: T, parents: readonly Parent[]) => JudgedRoute): RouteKind => ({
      informer,
      judge: (route, parents) => judge(route as T, parents),
    })
    this.#kinds = new Map([
      [
        'HTTPRoute',
        kind<HTTPRoute>(informers.informer(gatewayRefs.httpRoutes), (route, parents) => judgeHttpRoute(route, parents, view, around)),
      ],
      [
        'GRPCRoute',
        kind<GRPCRoute>(informers.informer(gatewayRefs.grpcRoutes), (route, parents) => judgeGrpcRoute(route, parents, view, around)),
      ],
      ['TLSRoute', kind<TLSRoute>(informers.informer(gatewayRefs.tlsRoutes), (route, parents) => judgeTlsRoute(route, parents, view))],
    ])
    this.#policies = new PolicyWork({ ...around, hasService: (key) => servers.has(key), onAuthority: onRoutes }, (key, isSpec) => {
      this.#unpublished.add(wishIdOf(POLICY, key))
      if (isSpec) onRoutes()
      else onStatus()
    })
    const gatewaysChanged = (): void => {
      this.#areGatewaysDirty = true
      onRoutes()
    }
    this.#gateways.onChange(({ key, old, now }) => {
      this.#unpublished.add(wishIdOf(GATEWAY, key))
      if (isSameSpec(old, now)) onStatus()
      else gatewaysChanged()
    })
    this.#classes.onChange(({ key, old, now }) => {
      this.#unpublished.add(wishIdOf(CLASS, key))
      if (isSameSpec(old, now)) onStatus()
      else gatewaysChanged()
    })
    this.#grants.onChange(() => {
      this.#fingerprint = ''
      gatewaysChanged()
    })
    this.#namespaces.onChange(({ old, now }) => {
      if (JSON.stringify(old?.metadata?.labels) === JSON.stringify(now?.metadata?.labels)) return
      this.#fingerprint = ''
      gatewaysChanged()
    })
    for (const [name, { informer }] of this.#kinds)
      informer.onChange(({ key, old, now }) => {
        const id = wishIdOf(name, key)
        this.#unpublished.add(id)
        if (isSameSpec(old, now) && annotationsOf(old) === annotationsOf(now)) return onStatus()
        this.#dirtyRoutes.add(id)
        onRoutes()
      })
  }

  /** At these spots, as `spotText` has them. */
  couldNotListen(spots: ReadonlySet<string>): boolean {
    if (spots.size === this.#unavailable.size && [...spots].every((spot) => this.#unavailable.has(spot))) return false
    this.#unavailable = new Set(spots)
    this.#areGatewaysDirty = true
    return true
  }

  verification(service: string, portName: string): ReturnType<PolicyWork['verification']> {
    return this.#policies.verification(service, portName)
  }

  /** What policies name is looked at anew in the next update; false when there are none. */
  lookAgain(): boolean {
    return this.#policies.lookAgain()
  }

  noteUsers(wishes: Iterable<string>): boolean {
    let isOwn = false
    for (const id of wishes) {
      const [kind = ''] = id.split(' ')
      if (kind === GATEWAY) this.#areGatewaysDirty = true
      else if (this.#kinds.has(kind)) this.#dirtyRoutes.add(id)
      else continue
      isOwn = true
    }
    return isOwn
  }

  async update(scope: Scope): Promise<void> {
    if (await this.#policies.update(scope)) this.#publishPolicies()
    if (this.#areGatewaysDirty) await this.#updateGateways(scope)
    for (const id of taken(this.#dirtyRoutes)) this.#updateRoute(id)
  }

  ownerOf(wish: string): KubeObject | undefined {
    const [kind = '', key = ''] = wish.split(' ')
    return kind === GATEWAY ? this.#gateways.get(key) : this.#kinds.get(kind)?.informer.get(key)
  }

  async publish(scope: Scope): Promise<void> {
    const ids = taken(this.#unpublished)
    const now = new Date(scope.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
    try {
      await this.#writer.write(
        scope,
        ids.flatMap((id) => this.#statusOf(id, now) ?? []),
      )
    } catch (error) {
      for (const id of ids) this.#unpublished.add(id)
      throw error
    }
  }

  #statusOf(id: string, now: string): (() => ReturnType<StatusWriter['ofRoute']>) | undefined {
    const [kind = '', key = ''] = id.split(' ')
    if (kind === CLASS) {
      const known = this.#classes.get(key)
      return known?.spec.controllerName === CONTROLLER ? () => this.#writer.ofClass(known, now) : undefined
    }
    if (kind === GATEWAY) {
      const [known, judged] = [this.#gateways.get(key), this.#judged.get(key)]
      if (known === undefined || judged === undefined) return undefined
      return () => this.#writer.ofGateway(known, judged, (listener) => this.#attached.get(countKey(key, listener)) ?? 0, now)
    }
    if (kind === POLICY) {
      const found = this.#policies.get(key)
      return found === undefined
        ? undefined
        : () => this.#writer.ofPolicy(found.policy, found.judged.verdicts, this.#leadTo(found.judged.services), now)
    }
    const [route, judged] = [this.#kinds.get(kind)?.informer.get(key), this.#routes.get(id)]
    return route === undefined ? undefined : () => this.#writer.ofRoute(kind, route, judged, now)
  }

  async #updateGateways(scope: Scope): Promise<void> {
    const { model, secrets, httpPort, httpsPort, address, ownAddresses } = this.#around
    const classes = new Set(
      this.#classes
        .list()
        .filter(isOurClass)
        .map(({ metadata }) => metadata?.name ?? ''),
    )
    const ours = this.#gateways
      .list()
      .filter(({ spec, metadata }) => classes.has(spec.gatewayClassName) && metadata?.deletionTimestamp === undefined)
    for (const one of ours) secrets.name(wishIdOf(GATEWAY, keyOf(one)), this.#secretsOf(one))
    // What is new or has changed elsewhere is read at once; the rest is what it was.
    const changed = await secrets.read(
      scope,
      ours.flatMap((one) => this.#secretsOf(one)),
    )
    this.#around.secretsChanged(changed, this)
    this.#areGatewaysDirty = false
    const judged = judgeGateways(ours, {
      httpPort,
      httpsPort,
      address,
      ownAddresses,
      addressBefore: (gateway) => this.#judged.get(keyOf(gateway))?.address ?? gateway.status?.addresses?.[0]?.value,
      unavailable: this.#unavailable,
      grantsIn: (namespace) => this.#grantsIn(namespace),
      certificate: (secret) => secrets.get(secret),
    })
    const before = this.#judged
    this.#judged = new Map(judged.map((one) => [one.key, one]))
    this.#bySpot = Map.groupBy(
      judged.flatMap(({ listeners }) => listeners),
      ({ spot }) => spotText(spot),
    )
    for (const key of before.keys()) {
      if (this.#judged.has(key)) continue
      secrets.name(wishIdOf(GATEWAY, key), [])
      model.remove(wishIdOf(GATEWAY, key))
    }
    for (const one of judged) {
      this.#unpublished.add(wishIdOf(GATEWAY, one.key))
      model.put(
        wishOfGateway(one, {
          httpPort,
          httpsPort,
          certificate: (secret) => secrets.get(secret),
          listenersAt: (spot) => this.#listenersAt(spot),
        }),
      )
    }
    model.listen(portsOf(judged, this.#around))
    const fingerprint = JSON.stringify(
      judged.map(({ key, listeners }) => [
        key,
        listeners.map(({ listener: { name, allowedRoutes }, spot, hostname, kind, isServed, supportedKinds }) => [
          name,
          spotText(spot),
          hostname,
          kind,
          isServed,
          supportedKinds,
          allowedRoutes,
        ]),
      ]),
    )
    if (fingerprint === this.#fingerprint) return
    this.#fingerprint = fingerprint
    for (const [name, { informer }] of this.#kinds) for (const route of informer.list()) this.#dirtyRoutes.add(wishIdOf(name, keyOf(route)))
  }

  /** Those in other namespaces are not even read before their owner allows it. */
  #secretsOf(gateway: Gateway): readonly string[] {
    const own = gateway.metadata?.namespace ?? ''
    return secretsOfGateway(gateway).filter((secret) => {
      const [namespace = ''] = secret.split('/')
      return namespace === own || this.#grantsIn(namespace).length > 0
    })
  }

  #updateRoute(id: string): void {
    const [name = '', key = ''] = id.split(' ')
    const kind = this.#kinds.get(name)
    const route = kind?.informer.get(key)
    const parents = route === undefined || route.metadata?.deletionTimestamp !== undefined ? [] : attach(route, name, this.#attachView())
    this.#unpublished.add(id)
    const served = parents.length === 0 ? undefined : route
    this.#around.tokens.name(id, served === undefined ? undefined : tokensOf(served))
    this.#around.logins.name(id, served === undefined ? undefined : loginsOf(served))
    if (parents.length === 0 || !wantsObserving(route?.metadata?.annotations)) this.#around.observed.forget(id)
    const judged = route === undefined || kind === undefined || parents.length === 0 ? undefined : kind.judge(route, parents)
    if (judged === undefined) {
      this.#around.model.remove(id)
      this.#count(id, undefined)
      return
    }
    const { wish, verdicts, refused } = judged
    this.#around.model.put(refused === undefined ? wish : { ...wish, routes: [] })
    const counted =
      refused === undefined
        ? parents.flatMap(({ attached }) => attached.map(({ listener }) => countKey(listener.gateway, listener.listener.name)))
        : []
    this.#count(id, { parents, verdicts, refused, services: wish.services, counted: [...new Set(counted)] })
  }

  #publishPolicies(): void {
    for (const key of this.#policies.keys()) this.#unpublished.add(wishIdOf(POLICY, key))
  }

  /** The Gateways whose routes lead to one of these. */
  #leadTo(services: readonly string[]): readonly string[] {
    const found = new Set<string>()
    for (const { services: of, parents } of this.#routes.values())
      if (services.some((service) => of.has(service)))
        for (const { attached } of parents) for (const { listener } of attached) found.add(listener.gateway)
    return [...found].sort()
  }

  #count(id: string, known: KnownRoute | undefined): void {
    const [before = [], now = []] = [this.#routes.get(id)?.counted, known?.counted]
    for (const [listeners, change] of [
      [before, -1],
      [now, 1],
    ] as const)
      for (const key of listeners) {
        this.#attached.set(key, (this.#attached.get(key) ?? 0) + change)
        if (!(change < 0 ? now : before).includes(key)) this.#unpublished.add(wishIdOf(GATEWAY, key.split(' ')[0] ?? ''))
      }
    this.#publishPolicies()
    if (known === undefined) this.#routes.delete(id)
    else this.#routes.set(id, known)
  }

  #attachView(): AttachView {
    return {
      gateway: (key) => this.#judged.get(key),
      listenersAt: (spot) => this.#listenersAt(spot),
      labels: (namespace) => this.#namespaces.get(namespace)?.metadata?.labels ?? {},
    }
  }

  #listenersAt(spot: string): readonly JudgedListener[] {
    return this.#bySpot.get(spot) ?? []
  }

  #grantsIn(namespace: string): readonly ReferenceGrant[] {
    return this.#grants.byIndex(NAMESPACE_INDEX, namespace)
  }
}

const annotationsOf = (object: KubeObject | undefined): string => JSON.stringify(object?.metadata?.annotations ?? {})

const countKey = (gateway: string, listener: string): string => `${gateway} ${listener}`

/** One with parameters is not ours to serve: there are none that we know. */
const isOurClass = ({ spec }: GatewayClass): boolean => spec.controllerName === CONTROLLER && spec.parametersRef === undefined

/** Only the status has changed, or metadata that say nothing here. */
function isSameSpec(old: KubeObject | undefined, now: KubeObject | undefined): boolean {
  const [before, present] = [old?.metadata, now?.metadata]
  return (
    before?.uid !== undefined &&
    before.uid === present?.uid &&
    before.generation === present.generation &&
    before.deletionTimestamp === present.deletionTimestamp
  )
}
