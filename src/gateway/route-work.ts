import type { Scope } from '#base'
import { type discovery, type networking, refs } from '#api'
import type { Client } from '#client'
import type { ControllerContext, Informer } from '#reconcile'
import { type OwnClasses, isOurs, ownClasses } from './model/classes.ts'
import { keyOfIngress, secretsOf, wishOfIngress } from './model/ingress.ts'
import { GatewayModel } from './model/model.ts'
import { Servers, leadsElsewhere } from './model/servers.ts'
import { Publisher } from './publish.ts'
import { Secrets } from './secrets.ts'

const SERVICE_LABEL = 'kubernetes.io/service-name'
const BY_SERVICE = 'gateway-service'

/** Whom to call when there is something to do. */
export interface Callers {
  /** For the next update. */
  readonly onRoutes: () => void
  /** For the next publishing. */
  readonly onStatus: () => void
}

/** Keeps the model as the objects of the API have it: what has changed is noted object by object, and only that is looked at in the next update. */
export class RouteWork {
  readonly #context: ControllerContext
  readonly #ingresses: Informer<networking.Ingress>
  readonly #classes: Informer<networking.IngressClass>
  readonly #secrets: Secrets
  readonly #publisher: Publisher
  readonly #model: GatewayModel
  readonly #servers: Servers
  readonly #dirtyIngresses = new Set<string>()
  /** Of these only the endpoints. */
  readonly #dirtyServices = new Set<string>()
  readonly #unpublished = new Set<string>()
  /** Shown in their status by this process: what is another's is let be. */
  readonly #published = new Set<string>()
  /** By Ingress: what was said of it, for as long as it holds. */
  readonly #told = new Map<string, ReadonlySet<string>>()
  #own: OwnClasses | undefined
  #checkedMs = 0

  constructor(client: Client, context: ControllerContext, publishedAddress: string, { onRoutes, onStatus }: Callers) {
    this.#context = context
    const { informers } = context
    const services = informers.informer(refs.services)
    const slices = informers.informer(refs.endpointslices)
    slices.addIndex(BY_SERVICE, (slice) => [serviceOf(slice)])
    this.#ingresses = informers.informer(refs.ingresses)
    this.#classes = informers.informer(refs.ingressclasses)
    this.#secrets = new Secrets(client)
    this.#publisher = new Publisher(client, publishedAddress)
    const servers = new Servers({ service: (key) => services.get(key), slices: (key) => slices.byIndex(BY_SERVICE, key) })
    this.#servers = servers
    const model = new GatewayModel({
      addresses: (port) => servers.addresses(port),
      transport: (port) => servers.transport(port),
      certificate: (key) => this.#secrets.get(key),
    })
    this.#model = model
    const note = (set: Set<string>, keys: Iterable<string>): void => {
      const before = set.size
      for (const key of keys) set.add(key)
      if (set.size > before) onRoutes()
    }
    this.#ingresses.onChange(({ key, old, now }) => {
      this.#unpublished.add(key)
      if (leadsAsBefore(old, now)) onStatus()
      else note(this.#dirtyIngresses, [key])
    })
    this.#classes.onChange(() => {
      this.#own = undefined
      note(this.#dirtyIngresses, this.#ingresses.list().map(keyOfIngress))
    })
    services.onChange(({ key, old, now }) => {
      if (leadsElsewhere(old, now)) note(this.#dirtyIngresses, model.usersOf(key))
    })
    slices.onChange(({ old, now }) => {
      const keys = [old, now].flatMap((slice) => (slice === undefined ? [] : [serviceOf(slice)]))
      note(
        this.#dirtyServices,
        keys.filter((key) => model.usersOf(key).size > 0),
      )
    })
  }

  get routes(): number {
    return this.#model.routes
  }

  /** Brings the model up to what is known. After a rejection nothing is lost: the next call does all of it. */
  async update(scope: Scope): Promise<GatewayModel> {
    const dirty = taken(this.#dirtyIngresses)
    const services = taken(this.#dirtyServices)
    try {
      for (const key of dirty) this.#secrets.name(key, this.#secretsOf(key))
      const changed = await this.#secrets.read(
        scope,
        dirty.flatMap((key) => this.#secretsOf(key)),
      )
      for (const secret of changed) dirty.push(...this.#secrets.namedBy(secret))
    } catch (error) {
      for (const key of dirty) this.#dirtyIngresses.add(key)
      for (const key of services) this.#dirtyServices.add(key)
      throw error
    }
    const nowMs = scope.clock.now()
    for (const key of new Set(dirty)) {
      const ingress = this.#ours(key)
      if (ingress === undefined) this.#model.remove(key)
      else
        this.#model.put(
          wishOfIngress(ingress, {
            problem: (port) => this.#servers.problem(port),
            certificate: (secret) => this.#secrets.get(secret),
            nowMs,
          }),
        )
    }
    for (const service of services) this.#model.readEndpoints(service)
    return this.#model
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
    for (const secret of [...changed, ...expired]) for (const key of this.#secrets.namedBy(secret)) this.#dirtyIngresses.add(key)
    return this.#dirtyIngresses.size > 0
  }

  /** Tells the owners of these what they have to know, once for as long as it holds. */
  tell(wishes: ReadonlySet<string>): void {
    for (const key of wishes) {
      const ingress = this.#ingresses.get(key)
      const findings = ingress === undefined ? [] : this.#model.findings(key)
      const before = this.#told.get(key)
      const now = new Set<string>()
      for (const { reason, message } of findings) {
        const id = `${ingress?.metadata?.uid ?? ''} ${message}`
        now.add(id)
        if (ingress !== undefined && before?.has(id) !== true) this.#context.events.event(ingress, 'Warning', reason, message)
      }
      if (now.size === 0) this.#told.delete(key)
      else this.#told.set(key, now)
    }
  }

  /** Statuses of those that have changed. */
  async publish(scope: Scope): Promise<void> {
    const keys = taken(this.#unpublished)
    const ingresses = keys.flatMap((key) => {
      const ingress = this.#ingresses.get(key)
      const isServed = this.#model.has(key)
      if (ingress === undefined) this.#published.delete(key)
      return ingress === undefined || (!isServed && !this.#published.has(key)) ? [] : [{ key, ingress, isServed }]
    })
    try {
      await this.#publisher.publish(scope, ingresses)
    } catch (error) {
      for (const key of keys) this.#unpublished.add(key)
      throw error
    }
    for (const { key, isServed } of ingresses)
      if (isServed) this.#published.add(key)
      else this.#published.delete(key)
  }

  #ours(key: string): networking.Ingress | undefined {
    const ingress = this.#ingresses.get(key)
    this.#own ??= ownClasses(this.#classes.list())
    return ingress !== undefined && isOurs(ingress, this.#own) ? ingress : undefined
  }

  #secretsOf(key: string): readonly string[] {
    const ingress = this.#ours(key)
    return ingress === undefined ? [] : secretsOf(ingress)
  }
}

function taken(set: Set<string>): string[] {
  const keys = [...set]
  set.clear()
  return keys
}

/** Only the status has changed, or metadata that say nothing here. */
function leadsAsBefore(old: networking.Ingress | undefined, now: networking.Ingress | undefined): boolean {
  const [before, present] = [old?.metadata, now?.metadata]
  return (
    before?.uid !== undefined &&
    before.uid === present?.uid &&
    before.generation === present.generation &&
    before.deletionTimestamp === present.deletionTimestamp &&
    JSON.stringify(before.annotations ?? {}) === JSON.stringify(present.annotations ?? {})
  )
}

const serviceOf = ({ metadata }: discovery.EndpointSlice): string =>
  `${metadata?.namespace ?? ''}/${metadata?.labels?.[SERVICE_LABEL] ?? ''}`
