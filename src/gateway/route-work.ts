import type { Scope } from '#base'
import { type discovery, refs } from '#api'
import type { Client } from '#client'
import type { ControllerContext } from '#reconcile'
import { type GatewayApiSource, startGatewayApi } from './gateway-api/source.ts'
import { IngressSource } from './ingress-source.ts'
import type { ObservedRoutes } from './measure/observed-routes.ts'
import { GatewayModel } from './model/model.ts'
import { Servers, leadsElsewhere } from './model/servers.ts'
import { keyOfBackend } from './model/wish.ts'
import { Secrets } from './secrets.ts'
import { type Callers, type RouteSource, taken } from './source.ts'
import type { Treatment } from './traffic/encode.ts'
import type { EndedSessions } from './login/ended-sessions.ts'
import { Logins } from './login/logins.ts'
import { type Ask, fetchText } from './tokens/ask-issuer.ts'
import { Tokens } from './tokens/tokens.ts'

const SERVICE_LABEL = 'kubernetes.io/service-name'
const BY_SERVICE = 'gateway-service'
const KEYS_WITHIN_MS = 3000

export interface RouteWorkOptions {
  readonly publishedAddress: string
  readonly ownAddresses?: readonly string[] | undefined
  readonly httpPort: number
  readonly httpsPort: number
  readonly traffic: Traffic
  readonly observed: ObservedRoutes
  /** What sessions are sealed with. */
  readonly loginKey: Uint8Array
  readonly endedSessions: EndedSessions
  readonly ask: Ask
  /** Whether the kinds of Gateway API are there; undefined: they are not, and are not asked for. */
  readonly gatewayApi: { readonly isRecognized: boolean } | undefined
}

/** What policies say of the servers of Services. */
export interface Traffic {
  treatment(service: string): Treatment | undefined
  without(service: string, backend: string, addresses: readonly string[]): readonly string[]
  /** It is there or not, otherwise than before. */
  serviceChanged(service: string): void
}

/** Keeps the model as the objects of the API have it: what has changed is noted object by object, and only that is looked at in the next update. */
export class RouteWork {
  readonly #context: ControllerContext
  readonly #secrets: Secrets
  readonly tokens: Tokens
  readonly logins: Logins
  readonly #model: GatewayModel
  readonly #sources: readonly RouteSource[]
  readonly #gatewayApi: GatewayApiSource | undefined
  /** Of these it was heard that they hold something else. */
  readonly #seenSecrets = new Set<string>()
  /** Of these only the endpoints. */
  readonly #dirtyServices = new Set<string>()
  /** By wish: what was said of it, for as long as it holds. */
  readonly #told = new Map<string, ReadonlySet<string>>()
  readonly #hasService: (key: string) => boolean
  /** Policies have said something of these that the data plane does not know yet. */
  readonly #behind = new Set<string>()
  #checkedMs = 0
  #isFirst = true

  constructor(client: Client, context: ControllerContext, options: RouteWorkOptions, callers: Callers) {
    this.#context = context
    const { informers } = context
    const services = informers.informer(refs.services)
    const slices = informers.informer(refs.endpointslices)
    slices.addIndex(BY_SERVICE, (slice) => [serviceOf(slice)])
    const secrets = new Secrets(context.scope, client, (key) => {
      this.#seenSecrets.add(key)
      callers.onRoutes()
    })
    const { loginKey, endedSessions: ended, ask } = options
    const onChange = (wishes: ReadonlySet<string>): void => {
      if (this.#noteUsers(wishes)) callers.onRoutes()
    }
    const tokens = new Tokens(context.scope, client, onChange, { fetch: (within, uri) => fetchText(within, uri, {}, ask) })
    const logins = new Logins(context.scope, client, onChange, { key: loginKey, ask, ended })
    this.tokens = tokens
    this.logins = logins
    const servers = new Servers({
      service: (key) => services.get(key),
      slices: (key) => slices.byIndex(BY_SERVICE, key),
      verification: (key, port) => this.#gatewayApi?.verification(key, port),
    })
    const model = new GatewayModel({
      addresses: (port) => {
        const found = options.traffic.without(port.service, keyOfBackend(port), servers.addresses(port))
        // Nothing can be read of a connection that is led as it is: one that leads back to here would never end.
        return port.speaks === 'tcp' ? found.filter((address) => !isOwnDoor(address, options)) : found
      },
      transport: (port) => servers.transport(port),
      verification: (port) => servers.verification(port),
      treatment: (port) => options.traffic.treatment(port.service),
      certificate: (key) => secrets.get(key),
    })
    this.#hasService = (key) => servers.has(key)
    this.#secrets = secrets
    this.#model = model
    const secretsChanged = (keys: ReadonlySet<string>, by: RouteSource): void => {
      const users = [...keys].flatMap((key) => [...secrets.namedBy(key)])
      const news = this.#sources.filter((source) => source !== by && source.noteUsers(users))
      if (news.length > 0) callers.onRoutes()
    }
    const servicesChanged = (keys: readonly string[]): void => {
      if (this.#noteUsers(keys.flatMap((key) => [...model.usersOf(key)]))) callers.onRoutes()
    }
    const around = {
      scope: context.scope,
      client,
      informers,
      model,
      servers,
      secrets,
      tokens,
      logins,
      observed: options.observed,
      address: options.publishedAddress,
      secretsChanged,
      servicesChanged,
    }
    this.#gatewayApi =
      options.gatewayApi === undefined
        ? undefined
        : startGatewayApi(
            {
              ...around,
              httpPort: options.httpPort,
              httpsPort: options.httpsPort,
              ownAddresses: options.ownAddresses ?? [],
              ...options.gatewayApi,
            },
            callers,
          )
    this.#sources = [...(this.#gatewayApi === undefined ? [] : [this.#gatewayApi]), new IngressSource(around, callers)]
    services.onChange(({ key, old, now }) => {
      if (old === undefined || now === undefined) options.traffic.serviceChanged(key)
      if (!leadsElsewhere(old, now)) return
      const isForPolicies = (old === undefined || now === undefined) && (this.#gatewayApi?.lookAgain() ?? false)
      if (this.#noteUsers(model.usersOf(key)) || isForPolicies) callers.onRoutes()
    })
    slices.onChange(({ old, now }) => {
      const before = this.#dirtyServices.size
      for (const slice of [old, now])
        if (slice !== undefined && model.usersOf(serviceOf(slice)).size > 0) this.#dirtyServices.add(serviceOf(slice))
      if (this.#dirtyServices.size > before) callers.onRoutes()
    })
  }

  get routes(): number {
    return this.#model.routes
  }

  hasService(key: string): boolean {
    return this.#hasService(key)
  }

  /** The servers of the Service are looked at in the next update; false: nobody leads there. */
  noteServers(service: string): boolean {
    if (this.#model.usersOf(service).size === 0) return false
    this.#dirtyServices.add(service)
    this.#behind.add(service)
    return true
  }

  /** What was noted of the Service's servers has not reached the data plane. */
  isBehind(service: string): boolean {
    return this.#behind.has(service)
  }

  /** The data plane has all that the last update found. */
  applied(): void {
    for (const service of this.#behind) if (!this.#dirtyServices.has(service)) this.#behind.delete(service)
  }

  /** Brings the model up to what is known. After a rejection nothing is lost: the next call does all of it. */
  async update(scope: Scope): Promise<GatewayModel> {
    await this.#readSeenSecrets(scope)
    for (const source of this.#sources) await source.update(scope)
    if (this.#isFirst) await this.#awaitKeys(scope)
    this.#isFirst = false
    for (const service of taken(this.#dirtyServices)) this.#model.readEndpoints(service)
    return this.#model
  }

  /** The data plane could not listen at these. True when there is something for the next update. */
  couldNotListen(spots: ReadonlySet<string>): boolean {
    return this.#gatewayApi?.couldNotListen(spots) ?? false
  }

  /** Reads all Secrets that are named; true when there is something for the next update. */
  async readSecretsAgain(scope: Scope): Promise<boolean> {
    const nowMs = scope.clock.now()
    const secrets = this.#secrets.keys()
    const changed = await this.#secrets.read(scope, secrets)
    const expired = secrets.filter((key) => {
      const read = this.#secrets.get(key)
      return read !== undefined && 'pem' in read && read.notAfterMs > this.#checkedMs && read.notAfterMs <= nowMs
    })
    this.#checkedMs = nowMs
    this.tokens.lookAgain()
    this.logins.lookAgain()
    let isNews = this.#gatewayApi?.lookAgain() ?? false
    for (const secret of [...changed, ...expired]) isNews = this.#noteUsers(this.#secrets.namedBy(secret)) || isNews
    return isNews
  }

  /** Tells the owners of these what they have to know, once for as long as it holds. */
  tell(wishes: ReadonlySet<string>): void {
    for (const key of wishes) {
      const owner = this.#sources.map((source) => source.ownerOf(key)).find((object) => object !== undefined)
      const findings = owner === undefined ? [] : this.#model.findings(key)
      const before = this.#told.get(key)
      const now = new Set<string>()
      for (const { reason, message } of findings) {
        const id = `${owner?.metadata?.uid ?? ''} ${message}`
        now.add(id)
        if (owner !== undefined && before?.has(id) !== true) this.#context.events.event(owner, 'Warning', reason, message)
      }
      if (now.size === 0) this.#told.delete(key)
      else this.#told.set(key, now)
    }
  }

  /** Statuses of those that have changed. */
  async publish(scope: Scope): Promise<void> {
    for (const source of this.#sources) await source.publish(scope)
  }

  /** Another gateway may have served until now: nobody is to be kept out because this one does not know yet whom to let in. */
  async #awaitKeys(scope: Scope): Promise<void> {
    await Promise.race([Promise.all([this.tokens.settled(), this.logins.settled()]), scope.sleep(KEYS_WITHIN_MS)])
    for (const source of this.#sources) await source.update(scope)
  }

  async #readSeenSecrets(scope: Scope): Promise<void> {
    const seen = taken(this.#seenSecrets)
    try {
      for (const secret of await this.#secrets.read(scope, seen)) this.#noteUsers(this.#secrets.namedBy(secret))
    } catch (error) {
      for (const secret of seen) this.#seenSecrets.add(secret)
      throw error
    }
  }

  #noteUsers(wishes: Iterable<string>): boolean {
    const all = [...wishes]
    return this.#sources.map((source) => source.noteUsers(all)).some((isOwn) => isOwn)
  }
}

const serviceOf = ({ metadata }: discovery.EndpointSlice): string =>
  `${metadata?.namespace ?? ''}/${metadata?.labels?.[SERVICE_LABEL] ?? ''}`

/** Where the gateway itself listens. */
function isOwnDoor(address: string, { publishedAddress, ownAddresses = [], httpPort, httpsPort }: RouteWorkOptions): boolean {
  const [ip = '', port] = address.split(':')
  return ownAddresses.includes(ip) || (ip === publishedAddress && (Number(port) === httpPort || Number(port) === httpsPort))
}
