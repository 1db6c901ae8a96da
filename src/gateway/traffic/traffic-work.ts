import { type Scope, rfc3339 } from '#base'
import type { Client } from '#client'
import { type ControllerContext, inParallel } from '#reconcile'
import type { Breaker } from '../breaker/breaker.ts'
import type { Places } from '../haproxy/places.ts'
import type { BreakerNow } from '../measure/request-log.ts'
import type { RequestLine } from '../measure/request-line.ts'
import { taken } from '../source.ts'
import type { Treatment } from './encode.ts'
import { Governor } from './governor.ts'
import { PolicyMap } from './policy-map.ts'
import { type BreakerStatus, type TrafficPolicy, keyOfPolicy, serviceOfPolicy, trafficRef } from './policy.ts'
import { findRelease } from './release-of.ts'
import { said, statusOf, writeStatus } from './status.ts'

const SIDE_BY_SIDE = 4

export interface TrafficCallers {
  hasService(service: string): boolean
  /** The data plane does not treat the servers of the Service as was asked yet. */
  isBehind(service: string): boolean
  /** Servers of the Service are to be looked at again. */
  onServers(service: string): void
  /** There is something to publish. */
  onStatus(): void
}

/** TrafficPolicies: what they say goes to the data plane, what becomes of it to their status and events. */
export class TrafficWork {
  readonly #client: Client
  readonly #governor: Governor
  readonly #map: PolicyMap
  readonly #unpublished = new Set<string>()
  /** By policy: what was released when its breaker opened. */
  readonly #releases = new Map<string, { readonly release: BreakerStatus['release'] }>()
  #context: ControllerContext | undefined
  #callers: TrafficCallers | undefined

  constructor(scope: Scope, client: Client, places: Places) {
    this.#client = client
    this.#map = new PolicyMap(
      scope,
      places,
      () => this.#governor.texts,
      () => this.caughtUp(),
    )
    this.#governor = new Governor(scope.clock, {
      hasService: (service) => this.#callers?.hasService(service) ?? false,
      onServers: (service) => this.#callers?.onServers(service),
      onTexts: () => this.#map.changed(),
      onStatus: (policy) => {
        this.#unpublished.add(policy)
        this.#callers?.onStatus()
      },
      onTurn: (policy, before, now) => this.#tell(policy, before, now),
      onEjected: (policy, address, untilMs) =>
        untilMs === undefined
          ? this.#event(policy, 'Normal', 'EndpointBack', `${address} gets requests again`)
          : this.#event(
              policy,
              'Warning',
              'EndpointEjected',
              `${address} gets no requests until ${rfc3339(untilMs)}: it had one error after the other`,
            ),
    })
  }

  /** Whether there is a policy at all. */
  get isWatching(): boolean {
    return this.#governor.texts.size > 0
  }

  breakers(): readonly BreakerNow[] {
    return this.#governor.breakers()
  }

  get texts(): ReadonlyMap<string, string> {
    return this.#governor.texts
  }

  treatment(service: string): Treatment | undefined {
    return this.#governor.treatment(service)
  }

  without(service: string, backend: string, addresses: readonly string[]): readonly string[] {
    return this.#governor.without(service, backend, addresses)
  }

  serviceChanged(service: string): void {
    this.#governor.serviceChanged(service)
  }

  count(line: RequestLine, backend: string, address: string | undefined): void {
    this.#governor.count(line, backend, address)
  }

  /** Follows the policies from here on. */
  start(context: ControllerContext, callers: TrafficCallers): void {
    this.#context = context
    this.#callers = callers
    context.informers.informer(trafficRef).onChange(({ key, now }) => {
      if (now !== undefined && now.metadata?.deletionTimestamp === undefined) this.#governor.put(now)
      else this.#governor.remove(key)
    })
  }

  /** A process of the data plane serves that knows these texts. */
  follow(told: ReadonlyMap<string, string>): void {
    this.#map.follow(told)
  }

  close(): void {
    this.#governor.close()
    this.#map.close()
  }

  /** The data plane has been told of something: what waited for that can be said now. */
  caughtUp(): void {
    if (this.#unpublished.size > 0) this.#callers?.onStatus()
  }

  /**
   * Statuses of those that have changed, once requests are treated so: whoever reads that a policy is accepted may go by it. After a rejection those that were
   * not written are among the next ones.
   */
  async publish(scope: Scope): Promise<void> {
    if (this.#map.isBehind) return
    await inParallel(taken(this.#unpublished), SIDE_BY_SIDE, async (key) => {
      try {
        const held = this.#governor.held(key)
        if (held === undefined) return void this.#releases.delete(key)
        if (this.#callers?.isBehind(serviceOfPolicy(held.policy)) === true) return void this.#unpublished.add(key)
        const release = await this.#releaseOf(scope, held.policy, held.breaker)
        await writeStatus(scope, this.#client, held.policy, statusOf(held, release, scope.clock.now()))
      } catch (error) {
        this.#unpublished.add(key)
        throw error
      }
    })
  }

  /** Looked for once for each time that the breaker leaves its closed state. */
  async #releaseOf(scope: Scope, policy: TrafficPolicy, breaker: Breaker | undefined): Promise<BreakerStatus['release']> {
    const key = keyOfPolicy(policy)
    if (breaker === undefined || breaker.state === 'Closed' || breaker.trip === undefined) {
      this.#releases.delete(key)
      return undefined
    }
    const known = this.#releases.get(key)
    if (known !== undefined) return known.release
    const before = policy.status?.breaker
    // Before this process: it is said already.
    const isRestored = before?.trip !== undefined && before.state !== 'Closed'
    const found = isRestored
      ? undefined
      : await findRelease(scope, this.#client, policy.metadata?.namespace ?? '', policy.spec.service, breaker.sinceMs)
    const name = found?.metadata?.name
    const release = isRestored ? before.release : name === undefined ? undefined : { name, phase: found?.status?.phase ?? '' }
    this.#releases.set(key, { release })
    if (found !== undefined)
      this.#context?.events.event(
        found,
        'Warning',
        'BreakerOpened',
        `requests for the Service ${policy.spec.service} are answered in its place: ${said(breaker.trip)}`,
      )
    return release
  }

  #tell(policy: TrafficPolicy, before: Breaker, now: Breaker): void {
    const service = `requests for the Service ${policy.spec.service}`
    switch (now.state) {
      case 'Open': {
        const until = now.untilMs === undefined ? 'until somebody says otherwise' : `until ${rfc3339(now.untilMs)}`
        const why = before.state === 'HalfOpen' ? 'a probe was not good' : now.trip === undefined ? 'somebody has said so' : said(now.trip)
        return this.#event(policy, 'Warning', 'BreakerOpened', `${service} are answered in its place ${until}: ${why}`)
      }
      case 'HalfOpen':
        return this.#event(policy, 'Normal', 'BreakerHalfOpen', `${now.permits} ${service} are let through`)
      case 'Closed':
        return this.#event(policy, 'Normal', 'BreakerClosed', `${service} pass`)
    }
  }

  #event(policy: TrafficPolicy, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context?.events.event(policy, type, reason, message)
    this.#context?.scope.log.info('traffic policy', {
      policy: keyOfPolicy(policy),
      service: serviceOfPolicy(policy),
      reason,
      message,
    })
  }
}
