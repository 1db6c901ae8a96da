import type { Scope } from '#base'
import { type networking, refs } from '#api'
import type { Client } from '#client'
import type { Informer, Informers } from '#reconcile'
import { type OwnClasses, isOurs, ownClasses } from './model/classes.ts'
import { wantsObserving } from './model/annotations/observe.ts'
import { keyOfIngress, secretsOf, wishOfIngress } from './model/ingress.ts'
import { loginsOf, tokensOf } from './model/annotations/passes.ts'
import type { GatewayModel } from './model/model.ts'
import type { Servers } from './model/servers.ts'
import type { ObservedRoutes } from './measure/observed-routes.ts'
import { Publisher } from './publish.ts'
import type { Secrets } from './secrets.ts'
import type { Logins } from './login/logins.ts'
import type { Tokens } from './tokens/tokens.ts'
import { type Callers, type RouteSource, taken } from './source.ts'

/** What is shared with the other sources. */
export interface IngressSurroundings {
  /** Of what goes on between updates. */
  readonly scope: Scope
  readonly client: Client
  readonly informers: Informers
  readonly model: GatewayModel
  readonly servers: Servers
  readonly secrets: Secrets
  readonly tokens: Tokens
  readonly logins: Logins
  readonly observed: ObservedRoutes
  readonly address: string
  /** Secrets that hold something else than before: who names them besides the caller looks at them too. */
  secretsChanged(keys: ReadonlySet<string>, by: RouteSource): void
  /** Who leads to these Services looks at them again. */
  servicesChanged(keys: readonly string[]): void
}

/** Ingresses of our classes. */
export class IngressSource implements RouteSource {
  readonly #ingresses: Informer<networking.Ingress>
  readonly #classes: Informer<networking.IngressClass>
  readonly #around: IngressSurroundings
  readonly #publisher: Publisher
  readonly #dirty = new Set<string>()
  readonly #unpublished = new Set<string>()
  /** Shown in their status by this process: what is another's is let be. */
  readonly #published = new Set<string>()
  #own: OwnClasses | undefined

  constructor(around: IngressSurroundings, { onRoutes, onStatus }: Callers) {
    this.#around = around
    this.#ingresses = around.informers.informer(refs.ingresses)
    this.#classes = around.informers.informer(refs.ingressclasses)
    this.#publisher = new Publisher(around.client, around.address)
    const note = (keys: Iterable<string>): void => {
      const before = this.#dirty.size
      for (const key of keys) this.#dirty.add(key)
      if (this.#dirty.size > before) onRoutes()
    }
    this.#ingresses.onChange(({ key, old, now }) => {
      this.#unpublished.add(key)
      if (leadsAsBefore(old, now)) onStatus()
      else note([key])
    })
    this.#classes.onChange(() => {
      this.#own = undefined
      note(this.#ingresses.list().map(keyOfIngress))
    })
  }

  noteUsers(wishes: Iterable<string>): boolean {
    let isOwn = false
    for (const key of wishes) {
      // Others' have the name of their kind in front.
      if (key.includes(' ')) continue
      this.#dirty.add(key)
      isOwn = true
    }
    return isOwn
  }

  async update(scope: Scope): Promise<void> {
    const { model, servers, secrets, tokens, logins, observed } = this.#around
    const dirty = taken(this.#dirty)
    try {
      for (const key of dirty) secrets.name(key, this.#secretsOf(key))
      const changed = await secrets.read(
        scope,
        dirty.flatMap((key) => this.#secretsOf(key)),
      )
      for (const secret of changed) dirty.push(...[...secrets.namedBy(secret)].filter((user) => !user.includes(' ')))
      this.#around.secretsChanged(changed, this)
    } catch (error) {
      for (const key of dirty) this.#dirty.add(key)
      throw error
    }
    const nowMs = scope.clock.now()
    for (const key of new Set(dirty)) {
      const ingress = this.#ours(key)
      tokens.name(key, ingress === undefined ? undefined : tokensOf(ingress))
      logins.name(key, ingress === undefined ? undefined : loginsOf(ingress))
      if (!wantsObserving(ingress?.metadata?.annotations)) observed.forget(key)
      if (ingress === undefined) model.remove(key)
      else
        model.put(
          wishOfIngress(ingress, {
            problem: (port) => servers.problem(port),
            certificate: (secret) => secrets.get(secret),
            users: (secret, form) => secrets.users(secret, form),
            token: (wish) => tokens.check(wish),
            login: (wish) => logins.check(wish),
            observed: (wish) => observed.numberOf(wish),
            nowMs,
          }),
        )
    }
  }

  ownerOf(wish: string): networking.Ingress | undefined {
    return this.#ingresses.get(wish)
  }

  async publish(scope: Scope): Promise<void> {
    const keys = taken(this.#unpublished)
    const ingresses = keys.flatMap((key) => {
      const ingress = this.#ingresses.get(key)
      const isServed = this.#around.model.has(key)
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
