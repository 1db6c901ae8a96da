import { type Rule, fitsProgram, isAnswer } from '#routing'
import { combine, findingOf } from './combine.ts'
import { withCanaries } from './annotations/canary.ts'
import type { Treatment } from '../traffic/encode.ts'
import type { ReadCertificate } from './certificate.ts'
import { type Changes, noChanges } from './news.ts'
import { Claims } from './claims.ts'
import { join, leave } from './key-sets.ts'
import { type Standing, standingOf } from './standing.ts'
import { type Held, NOTHING, type Users, heldOf, plainlyTo } from './held.ts'
import {
  type BackendPort,
  type Finding,
  type ListenPort,
  MAPS,
  type MapName,
  type Transport,
  type Verification,
  type WantedRoute,
  type Wish,
  forwardTo,
  nameOfWish,
} from './wish.ts'

export interface ModelView {
  /** `address:port` of those who answer for the port, sorted. */
  addresses(port: BackendPort): readonly string[]
  transport(port: BackendPort): Transport
  verification(port: BackendPort): Verification | undefined
  /** What a policy has said of its Service; the same object for as long as it says the same. */
  treatment(port: BackendPort): Treatment | undefined
  certificate(secret: string): ReadCertificate | undefined
}

interface Backend {
  readonly port: BackendPort
  /** Its key alone, and what leads there and does nothing else: one of each for all who want just that. */
  readonly alone: readonly [key: string]
  readonly plain: readonly Rule[]
  readonly wishes: Set<string>
  addresses: readonly string[]
  transport: Transport
  verification: Verification | undefined
  treatment: Treatment | undefined
}

const NO_WISHES: ReadonlySet<string> = new Set()

/**
 * What is to be served: all wishes, and who answers for the Services that they name. It is changed wish by wish, at a cost of what the change touches, and
 * remembers what has changed until that is taken. Holds no clock and reaches nothing outside: the same wishes give the same model in any order.
 */
export class GatewayModel {
  readonly #view: ModelView
  readonly #wishes = new Map<string, Held>()
  readonly #routes: Readonly<Record<MapName, Claims<WantedRoute>>> = {
    exact: new Claims(),
    prefix: new Claims(),
    defaults: new Claims(),
    sni: new Claims(),
    listeners: new Claims(),
  }
  /** By host: keys of Secrets. */
  readonly #hosts = new Claims<string>()
  readonly #namesOf = new Map<string, Set<string>>()
  readonly #secretOf = new Map<string, string>()
  readonly #backends = new Map<string, Backend>()
  /** By Service: the wishes that name it, and the backends of its ports. */
  readonly #users = new Map<string, Users>()
  readonly #backendsOf = new Map<string, Set<string>>()
  /** By wish, then by what is wanted by several. */
  readonly #conflicts = new Map<string, Map<string, Finding>>()
  #ports: readonly ListenPort[] = []
  #authorities: ReadonlyMap<string, string> = new Map()
  #changes = noChanges()

  constructor(view: ModelView) {
    this.#view = view
  }

  get routes(): number {
    return MAPS.reduce((sum, map) => sum + this.#routes[map].size, 0)
  }

  wishes(): Iterable<string> {
    return this.#wishes.keys()
  }

  has(wish: string): boolean {
    return this.#wishes.has(wish)
  }

  /** The wishes that name a Service. */
  usersOf(service: string): ReadonlySet<string> {
    return this.#users.get(service)?.wishes ?? NO_WISHES
  }

  routeKeys(map: MapName): Iterable<string> {
    return this.#routes[map].keys()
  }

  /** Undefined when nobody wants it any more. */
  route(map: MapName, key: string): readonly Rule[] | undefined {
    const claims = this.#routes[map].of(key)
    const [only] = claims
    if (claims.length === 1) return only?.value.canary === undefined ? only?.value.rules : undefined
    const mains = claims.filter(({ value }) => value.canary === undefined)
    if (mains.length === 0) return undefined
    const main = combine(mains).rules
    if (mains.length === claims.length) return main
    const whole = withCanaries(
      main,
      claims.flatMap(({ value: { canary, rules } }) => (canary === undefined ? [] : [{ canary, backend: backendOf(rules) }])),
    )
    return fitsProgram(whole) ? whole : main
  }

  backends(): Iterable<string> {
    return this.#backends.keys()
  }

  addresses(backend: string): readonly string[] | undefined {
    return this.#backends.get(backend)?.addresses
  }

  transport(backend: string): Transport {
    return this.#backends.get(backend)?.transport ?? 'http'
  }

  standing(backend: string): Standing | undefined {
    const port = this.#backends.get(backend)?.port
    return port === undefined ? undefined : standingOf(port)
  }

  /** Of a backend that is spoken to as `verified`. */
  verification(backend: string): Verification | undefined {
    return this.#backends.get(backend)?.verification
  }

  /** Besides the usual two, which are there always; with one of these it is told what else is served there. */
  ports(): readonly ListenPort[] {
    return this.#ports
  }

  listen(ports: readonly ListenPort[]): void {
    if (JSON.stringify(ports) === JSON.stringify(this.#ports)) return
    this.#ports = ports
    this.#changes.process = true
  }

  /** Certificates of authorities, as PEM by key, that verifications name. */
  authorities(): ReadonlyMap<string, string> {
    return this.#authorities
  }

  trust(authorities: ReadonlyMap<string, string>): void {
    if (JSON.stringify([...authorities]) === JSON.stringify([...this.#authorities])) return
    this.#authorities = authorities
    this.#changes.process = true
  }

  treatment(backend: string): Treatment | undefined {
    return this.#backends.get(backend)?.treatment
  }

  certificates(): Iterable<string> {
    return this.#namesOf.keys()
  }

  certificate(secret: string): { readonly pem: string; readonly names: readonly string[] } | undefined {
    const names = this.#namesOf.get(secret)
    const read = this.#view.certificate(secret)
    return names === undefined || read === undefined || 'problem' in read ? undefined : { pem: read.pem, names: [...names].sort() }
  }

  findings(wish: string): readonly Finding[] {
    return [...(this.#wishes.get(wish)?.findings ?? []), ...(this.#conflicts.get(wish)?.values() ?? [])]
  }

  put(wish: Wish): void {
    this.#replace(wish.id, wish)
  }

  remove(id: string): void {
    if (this.#wishes.has(id)) this.#replace(id, undefined)
  }

  /** Endpoints of a Service may have changed. */
  readEndpoints(service: string): void {
    for (const key of this.#backendsOf.get(service) ?? []) this.#readBackend(key)
  }

  /** Everything that has changed since the last call, or that there is after the first. */
  takeChanges(): Changes {
    const changes = this.#changes
    this.#changes = noChanges()
    return changes
  }

  #replace(id: string, wish: Wish | undefined): void {
    const before = this.#wishes.get(id)
    this.#changes.wishes.add(id)
    // Everything that it wants or wanted is judged anew below.
    this.#conflicts.delete(id)
    this.#replaceUsers(id, before, wish)
    this.#replaceBackends(id, before, wish)
    if (wish === undefined) this.#wishes.delete(id)
    else
      this.#wishes.set(
        id,
        heldOf(
          wish,
          (key) => this.#backends.get(key)?.alone,
          (service) => this.#users.get(service)?.alone,
        ),
      )
    this.#replaceRoutes(id, before, wish)
    this.#replaceHosts(id, before, wish)
  }

  #replaceUsers(id: string, before: Held | undefined, wish: Wish | undefined): void {
    for (const service of before?.services ?? NOTHING) {
      if (wish?.services.has(service) === true) continue
      const users = this.#users.get(service)
      users?.wishes.delete(id)
      if (users?.wishes.size === 0) this.#users.delete(service)
    }
    for (const service of wish?.services ?? NOTHING) {
      const users = this.#users.get(service)
      if (users === undefined) this.#users.set(service, { wishes: new Set([id]), alone: [service] })
      else users.wishes.add(id)
    }
  }

  #replaceBackends(id: string, before: Held | undefined, wish: Wish | undefined): void {
    for (const key of before?.backends ?? NOTHING) {
      if (wish?.backends.has(key) === true) continue
      const backend = this.#backends.get(key)
      backend?.wishes.delete(id)
      if (backend?.wishes.size !== 0) continue
      this.#backends.delete(key)
      leave(this.#backendsOf, backend.port.service, key)
      this.#changes.backends.add(key)
    }
    for (const [key, port] of wish?.backends ?? NOTHING) {
      const backend = this.#backends.get(key)
      if (backend === undefined) {
        this.#backends.set(key, {
          port,
          alone: [key],
          plain: forwardTo(key),
          wishes: new Set([id]),
          addresses: this.#view.addresses(port),
          transport: this.#view.transport(port),
          verification: this.#view.verification(port),
          treatment: this.#view.treatment(port),
        })
        join(this.#backendsOf, port.service, key)
        this.#changes.backends.add(key)
      } else {
        backend.wishes.add(id)
        // What was changed may be the Service: another port of it answers now.
        this.#readBackend(key)
      }
    }
  }

  #readBackend(key: string): void {
    const backend = this.#backends.get(key)
    if (backend === undefined) return
    const { port } = backend
    const [addresses, transport, verification] = [this.#view.addresses(port), this.#view.transport(port), this.#view.verification(port)]
    const treatment = this.#view.treatment(port)
    const isSame =
      transport === backend.transport &&
      treatment === backend.treatment &&
      verification?.authority === backend.verification?.authority &&
      verification?.hostname === backend.verification?.hostname &&
      addresses.length === backend.addresses.length &&
      addresses.every((address, at) => address === backend.addresses[at])
    if (isSame) return
    Object.assign(backend, { addresses, transport, verification, treatment })
    this.#changes.backends.add(key)
  }

  #replaceRoutes(id: string, before: Held | undefined, wish: Wish | undefined): void {
    for (const map of MAPS) {
      const wants = (wish?.routes ?? []).filter((route) => route.map === map).map((route) => [route.key, this.#shared(route)] as const)
      if (wants.length === 0 && before?.maps.includes(map) !== true) continue
      for (const key of this.#routes[map].replace(id, wish?.rank ?? '', wants)) {
        this.#changes.routes[map].add(key)
        const claims = this.#routes[map].of(key)
        const mains = claims.filter(({ value }) => value.canary === undefined)
        for (const { owner, value } of claims)
          if (value.canary !== undefined)
            this.#setConflict(
              owner,
              `canary ${map} ${key}`,
              mains.length > 0
                ? undefined
                : { reason: 'CanaryAlone', message: `${value.what} is nobody's yet: there is nothing to take a part of` },
            )
        this.#judgeRoutes(`${map} ${key}`, mains)
      }
    }
  }

  /** The rules of most routes are those of their backend. */
  #shared(route: WantedRoute): WantedRoute {
    const backend = plainlyTo(route.rules)
    const plain = backend === undefined ? undefined : this.#backends.get(backend)?.plain
    return plain === undefined ? route : { ...route, rules: plain }
  }

  #replaceHosts(id: string, before: Held | undefined, wish: Wish | undefined): void {
    // Renewed or not: whoever compares sees.
    for (const { secret } of [...(before?.certificates ?? []), ...(wish?.certificates ?? [])]) this.#changes.certificates.add(secret)
    const wants = (wish?.certificates ?? []).map(({ host, secret }) => [host, secret] as const)
    for (const host of this.#hosts.replace(id, wish?.rank ?? '', wants)) {
      const claims = this.#hosts.of(host)
      const [known, secret] = [this.#secretOf.get(host), claims[0]?.value]
      if (known !== secret) {
        if (known !== undefined) leave(this.#namesOf, known, host)
        if (secret !== undefined) join(this.#namesOf, secret, host)
        if (secret === undefined) this.#secretOf.delete(host)
        else this.#secretOf.set(host, secret)
        for (const one of [known, secret]) if (one !== undefined) this.#changes.certificates.add(one)
      }
      this.#judge(`tls ${host}`, claims, (other, owner) =>
        other === secret
          ? undefined
          : { reason: 'CertificateConflict', message: `the certificate for ${host} is that of the ${nameOfWish(owner)}, which is older` },
      )
    }
  }

  #judgeRoutes(what: string, claims: readonly { readonly owner: string; readonly rank: string; readonly value: WantedRoute }[]): void {
    const shadowed = combine(claims).shadowed
    const findings = new Map<string, Finding | undefined>(claims.map(({ owner }) => [owner, undefined]))
    for (const one of shadowed) findings.set(one.owner, findings.get(one.owner) ?? findingOf(one))
    for (const [owner, finding] of findings) this.#setConflict(owner, what, finding)
  }

  /** Everybody who wanted the same and has not got it is told who has. */
  #judge<T>(
    what: string,
    claims: readonly { readonly owner: string; readonly value: T }[],
    judge: (value: T, owner: string, isOwn: boolean) => Finding | undefined,
  ): void {
    const [winner, ...others] = claims
    if (winner !== undefined) this.#setConflict(winner.owner, what, undefined)
    for (const { owner, value } of others) {
      const finding = judge(value, winner?.owner ?? '', owner === winner?.owner)
      if (owner !== winner?.owner || finding !== undefined) this.#setConflict(owner, what, finding)
    }
  }

  #setConflict(wish: string, what: string, finding: Finding | undefined): void {
    const known = this.#conflicts.get(wish)
    if (known?.get(what)?.message === finding?.message) return
    this.#changes.wishes.add(wish)
    if (finding !== undefined) this.#conflicts.set(wish, (known ?? new Map<string, Finding>()).set(what, finding))
    else {
      known?.delete(what)
      if (known?.size === 0) this.#conflicts.delete(wish)
    }
  }
}

/** Of a route that leads to one. */
function backendOf(rules: readonly Rule[]): string | undefined {
  const then = rules.map(({ action }) => action).find((action) => action.kind === 'forward' && !isAnswer(action))
  return then?.kind === 'forward' ? then.to[0]?.backend : undefined
}
