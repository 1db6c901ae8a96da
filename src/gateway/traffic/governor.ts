import type { Clock, Timer } from '#base'
import { type Breaker, type BreakerSettings, afterRequest, atTime, closed, nextChangeMs } from '../breaker/breaker.ts'
import { NO_OUTLIERS, type Outliers, afterAnswer, backAtTime, ejectedBefore, ejectedIn } from '../breaker/outliers.ts'
import type { Verdict } from '../gateway-api/status/conditions.ts'
import { serviceIn } from '../measure/measurements.ts'
import type { BreakerNow } from '../measure/request-log.ts'
import type { RequestLine } from '../measure/request-line.ts'
import { type Treatment, encodePolicy, encodeService, treatmentOf } from './encode.ts'
import { judgeService } from './judge.ts'
import { type TrafficPolicy, breakerOf, keyOfPolicy, outliersOf, serviceOfPolicy } from './policy.ts'

/** Who acts on what has been decided. None of them waits. */
export interface GovernorHooks {
  hasService(service: string): boolean
  /** The servers of the Service are to be looked at again. */
  onServers(service: string): void
  /** `texts` has changed. */
  onTexts(): void
  /** Something new is to be said of the policy. */
  onStatus(policy: string): void
  onTurn(policy: TrafficPolicy, before: Breaker, now: Breaker): void
  onEjected(policy: TrafficPolicy, address: string, untilMs: number | undefined): void
}

/** A policy as it is held to. */
export interface Held {
  readonly number: number
  /** False: another policy is for the same. */
  readonly isHeld: boolean
  readonly policy: TrafficPolicy
  readonly verdict: Verdict
  readonly breaker: Breaker | undefined
  /** Of the whole Service, where this is the policy that says so. */
  readonly outliers: Outliers
}

interface Entry {
  readonly number: number
  /** It is the one that counts for what it is for. */
  isHeld: boolean
  policy: TrafficPolicy
  settings: BreakerSettings | undefined
  breaker: Breaker | undefined
  lastRound: number
  verdict: Verdict
}

interface Service {
  readonly number: number
  readonly key: string
  readonly policies: Map<string, Entry>
  whole: Entry | undefined
  treatment: Treatment
  outliers: Outliers
  /** By backend: how many could answer if nobody were ejected. */
  readonly endpoints: Map<string, number>
}

const CLOSED = { state: 'Closed' } as const
const PENDING: Verdict = { type: 'Accepted', status: 'Unknown', reason: 'Pending', message: '' }

/**
 * Holds traffic to its policies: counts what the data plane says of the requests that are under one, and decides when a breaker opens or closes and which endpoint gets
 * no requests. What was decided is in `texts` for the data plane at once. After a restart it goes on from what the status of the policies says.
 */
export class Governor {
  readonly #clock: Clock
  readonly #hooks: GovernorHooks
  readonly #services = new Map<string, Service>()
  readonly #byNumber = new Map<number, { readonly service: Service; readonly entry: Entry }>()
  readonly #texts = new Map<string, string>()
  #nextNumber = 1
  #timer: Timer | undefined
  #timerMs = Infinity

  constructor(clock: Clock, hooks: GovernorHooks) {
    this.#clock = clock
    this.#hooks = hooks
  }

  /** What the data plane is to know, by keys of its map. */
  get texts(): ReadonlyMap<string, string> {
    return this.#texts
  }

  held(policy: string): Held | undefined {
    const { service, entry } = this.#find(policy) ?? {}
    if (service === undefined || entry === undefined) return undefined
    return { ...entry, outliers: entry === service.whole ? service.outliers : NO_OUTLIERS }
  }

  breakers(): readonly BreakerNow[] {
    return [...this.#services.values()].flatMap(({ policies }) =>
      [...policies.values()].flatMap(({ policy: { metadata, spec }, breaker, isHeld }) =>
        breaker === undefined || !isHeld
          ? []
          : [{ namespace: metadata?.namespace ?? '', policy: metadata?.name ?? '', service: spec.service, state: breaker.state }],
      ),
    )
  }

  /** Undefined: as all others. The same object for as long as it says the same. */
  treatment(service: string): Treatment | undefined {
    return this.#services.get(service)?.treatment
  }

  /** Those of the addresses that are to get requests. */
  without(service: string, backend: string, addresses: readonly string[]): readonly string[] {
    const of = this.#services.get(service)
    if (of === undefined) return addresses
    of.endpoints.set(backend, addresses.length)
    const ejected = ejectedIn(of.outliers)
    const left = addresses.filter((address) => !ejected.has(address))
    // Others may have gone meanwhile: one that has had errors is better than none.
    return left.length === 0 ? addresses : left
  }

  put(policy: TrafficPolicy): void {
    const nowMs = this.#clock.now()
    const key = keyOfPolicy(policy)
    // Another one of the same name may be for another Service.
    const before = this.#find(key)
    if (before !== undefined && before.service.key !== serviceOfPolicy(policy)) this.remove(key)
    const service = this.#serviceOf(serviceOfPolicy(policy))
    const known = service.policies.get(key)
    const isSame = known !== undefined && known.policy.metadata?.uid === policy.metadata?.uid
    if (isSame && known.policy.metadata?.generation === policy.metadata?.generation) {
      known.policy = policy
      this.#hooks.onStatus(key)
      return
    }
    const entry = isSame ? known : this.#begin(policy, service, nowMs)
    const settings = breakerOf(policy)
    if (isSame) {
      // What was counted was counted by other rules.
      if (settings === undefined) entry.breaker = undefined
      else if (entry.breaker === undefined || entry.breaker.state === 'Closed') entry.breaker = closed(nowMs)
      entry.policy = policy
    }
    entry.settings = settings
    service.policies.set(key, entry)
    this.#judge(service)
  }

  remove(key: string): void {
    const { service, entry } = this.#find(key) ?? {}
    if (service === undefined || entry === undefined) return
    this.#forget(service, key, entry)
    this.#judge(service)
  }

  /** It is there or not, otherwise than before. */
  serviceChanged(key: string): void {
    const service = this.#services.get(key)
    if (service !== undefined) this.#judge(service)
  }

  /** One request that was under a policy. Called for each of them. */
  count(line: RequestLine, backend: string, address: string | undefined): void {
    const found = line.policy === undefined ? undefined : this.#byNumber.get(line.policy)
    if (found === undefined || line.isShed) return
    const { service, entry } = found
    const nowMs = this.#clock.now()
    const isError = line.failed || line.status >= 500
    if (entry.breaker !== undefined && entry.settings !== undefined) {
      this.#move(entry, nowMs)
      const { us, aborted, round } = line
      // A connection that was changed to another protocol ends when its owners like.
      const ms = line.status === 101 ? 0 : us / 1000
      this.#become(entry, afterRequest(entry.settings, entry.breaker, { ms, isError, isAborted: aborted, round }, nowMs))
    }
    if (address !== undefined && !line.aborted) this.#countAnswer(service, backend, address, isError, nowMs)
  }

  close(): void {
    this.#timer?.cancel()
  }

  #find(policy: string): { readonly service: Service; readonly entry: Entry } | undefined {
    for (const service of this.#services.values()) {
      const entry = service.policies.get(policy)
      if (entry !== undefined) return { service, entry }
    }
    return undefined
  }

  #begin(policy: TrafficPolicy, service: Service, nowMs: number): Entry {
    const key = keyOfPolicy(policy)
    const old = service.policies.get(key)
    if (old !== undefined) this.#forget(service, key, old)
    const { breaker: before, ejected = [] } = policy.status ?? {}
    const breaker =
      policy.spec.breaker === undefined
        ? undefined
        : before === undefined || before.state === 'Closed'
          ? closed(timeOf(before?.since) ?? nowMs)
          : ({
              state: 'Open',
              sinceMs: timeOf(before.since) ?? nowMs,
              untilMs: before.state === 'HalfOpen' ? nowMs : timeOf(before.until),
              trip: before.trip,
              times: before.times ?? 1,
            } as const)
    if (ejected.length > 0)
      service.outliers = ejectedBefore(ejected.map(({ address, until, times }) => ({ address, untilMs: timeOf(until) ?? nowMs, times })))
    const entry: Entry = { number: this.#nextNumber++, isHeld: false, policy, settings: undefined, breaker, lastRound: 0, verdict: PENDING }
    this.#byNumber.set(entry.number, { service, entry })
    return entry
  }

  #forget(service: Service, key: string, entry: Entry): void {
    service.policies.delete(key)
    this.#byNumber.delete(entry.number)
    this.#texts.delete(`p${entry.number}`)
  }

  #serviceOf(key: string): Service {
    const known = this.#services.get(key)
    if (known !== undefined) return known
    const number = this.#nextNumber++
    const service: Service = {
      number,
      key,
      policies: new Map(),
      whole: undefined,
      treatment: treatmentOf(number, undefined),
      outliers: NO_OUTLIERS,
      endpoints: new Map(),
    }
    this.#services.set(key, service)
    return service
  }

  /** Which policies of the Service hold, and what follows from that. */
  #judge(service: Service): void {
    const { key, number, policies } = service
    const judged = judgeService(
      [...policies.values()].map(({ policy }) => policy),
      this.#hooks.hasService(key),
    )
    for (const [name, entry] of policies) {
      entry.verdict = judged.verdicts.get(name) ?? PENDING
      this.#hooks.onStatus(name)
    }
    const accepted = judged.accepted.flatMap((policy) => policies.get(keyOfPolicy(policy)) ?? [])
    const isHeld = new Set(accepted)
    for (const entry of policies.values()) {
      entry.isHeld = isHeld.has(entry)
      if (!entry.isHeld) {
        this.#texts.delete(`p${entry.number}`)
        continue
      }
      this.#move(entry, this.#clock.now())
      this.#texts.set(`p${entry.number}`, encodePolicy(entry.policy, entry.breaker))
    }
    service.whole = judged.whole === undefined ? undefined : policies.get(keyOfPolicy(judged.whole))
    if (service.whole?.policy.spec.outliers === undefined) service.outliers = NO_OUTLIERS
    const treatment = treatmentOf(number, judged.whole)
    const isSame = JSON.stringify(treatment) === JSON.stringify(service.treatment)
    if (!isSame) service.treatment = treatment
    if (accepted.length === 0) {
      this.#texts.delete(`s${number}`)
      this.#services.delete(key)
    } else this.#texts.set(`s${number}`, encodeService(accepted))
    this.#sayWhole(service)
    this.#hooks.onTexts()
    this.#hooks.onServers(key)
    this.#arm()
  }

  /** Requests for the Service pass without a further look: all are under one policy, which only counts them now. */
  #sayWhole({ key, number, policies, whole }: Service): void {
    const isAlone =
      this.#services.has(key) && whole !== undefined && [...policies.values()].every((entry) => entry === whole || !entry.isHeld)
    if (isAlone && whole.policy.spec.rateLimits === undefined && (whole.breaker ?? CLOSED).state === 'Closed')
      this.#texts.set(String(number), String(whole.number))
    else this.#texts.delete(String(number))
  }

  /** What time does to a breaker. */
  #move(entry: Entry, nowMs: number): void {
    if (!entry.isHeld || entry.breaker === undefined || entry.settings === undefined) return
    const now = atTime(entry.settings, entry.breaker, nowMs, entry.lastRound)
    if (now.state === 'HalfOpen') entry.lastRound = Math.max(entry.lastRound, now.round)
    this.#become(entry, now)
  }

  #become(entry: Entry, now: Breaker): void {
    const { breaker: before, policy } = entry
    if (now === before || before === undefined) return
    entry.breaker = now
    if (now.state === 'Closed' && before.state === 'Closed') return
    const text = encodePolicy(policy, now)
    if (this.#texts.get(`p${entry.number}`) !== text) {
      this.#texts.set(`p${entry.number}`, text)
      const service = this.#byNumber.get(entry.number)?.service
      if (service !== undefined) this.#sayWhole(service)
      this.#hooks.onTexts()
    }
    if (now.state !== before.state) {
      this.#hooks.onTurn(policy, before, now)
      this.#hooks.onStatus(keyOfPolicy(policy))
    }
    this.#arm()
  }

  #countAnswer(service: Service, backend: string, address: string, isError: boolean, nowMs: number): void {
    const { whole } = service
    const settings = whole === undefined ? undefined : outliersOf(whole.policy)
    if (whole === undefined || settings === undefined || serviceIn(backend) !== service.key) return
    const before = service.outliers
    const now = afterAnswer(settings, before, address, isError, () => service.endpoints.get(backend) ?? 0, nowMs)
    if (now !== before) this.#becomeOutliers(service, whole, now)
  }

  #becomeOutliers(service: Service, whole: Entry, now: Outliers): void {
    const before = ejectedIn(service.outliers)
    service.outliers = now
    const ejected = ejectedIn(now)
    const news = [...ejected].filter(([address]) => !before.has(address))
    const back = [...before.keys()].filter((address) => !ejected.has(address))
    if (news.length === 0 && back.length === 0) return
    for (const [address, untilMs] of news) this.#hooks.onEjected(whole.policy, address, untilMs)
    for (const address of back) this.#hooks.onEjected(whole.policy, address, undefined)
    this.#hooks.onServers(service.key)
    this.#hooks.onStatus(keyOfPolicy(whole.policy))
    this.#arm()
  }

  /** One timer, for whatever comes next. */
  #arm(): void {
    let nextMs = Infinity
    for (const { policies, outliers } of this.#services.values()) {
      for (const { breaker, isHeld } of policies.values())
        if (isHeld && breaker !== undefined) nextMs = Math.min(nextMs, nextChangeMs(breaker) ?? Infinity)
      for (const untilMs of ejectedIn(outliers).values()) nextMs = Math.min(nextMs, untilMs)
    }
    if (nextMs === this.#timerMs) return
    this.#timer?.cancel()
    this.#timerMs = nextMs
    this.#timer =
      nextMs === Infinity
        ? undefined
        : this.#clock.after(Math.max(0, nextMs - this.#clock.now()), () => this.#atTime(), { background: true })
  }

  #atTime(): void {
    this.#timerMs = Infinity
    const nowMs = this.#clock.now()
    for (const service of this.#services.values()) {
      for (const entry of service.policies.values()) this.#move(entry, nowMs)
      if (service.whole === undefined) continue
      const back = backAtTime(service.outliers, nowMs)
      if (back !== service.outliers) this.#becomeOutliers(service, service.whole, back)
    }
    this.#arm()
  }
}

function timeOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
