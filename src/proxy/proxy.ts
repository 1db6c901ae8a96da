import { type Scope, isCancelled, messageOf } from '#base'
import { type core, type discovery, refs } from '#api'
import type { Informer, Informers } from '#reconcile'
import { HealthServers } from './health.ts'
import type { Kernel } from './kernel.ts'
import { SERVICE_NAME_LABEL, type ServicePort, localReadyEndpoints, servicePorts } from './model.ts'
import { type Applied, NOTHING_APPLIED, planChange, planReplacement } from './plan.ts'
import { removeTable } from './ruleset.ts'

export interface ProxyOptions {
  readonly informers: Informers
  readonly nodeName: string
  /** Name of the nftables table, which belongs to this proxy alone. */
  readonly table: string
  readonly kernel: Kernel
}

export interface RunningProxy {
  /** Resolves when the kernel has everything that was known when it was called. */
  settled(): Promise<void>
  stats(): { readonly services: number; readonly transactions: number; readonly replacements: number; readonly failures: number; readonly lastMs: number }
}

const BY_SERVICE = 'proxy-service'
const RETRY_MS = 1000
const SYNCED = 'started'

/**
 * Keeps the kernel's table as Services and EndpointSlices want it, until the scope is cancelled (the table stays: connections go on). Changes that come while a
 * transaction is under way go into the next one. The informers are started by the caller after this call; nothing is touched before they are synced.
 */
export function startProxy(scope: Scope, options: ProxyOptions): RunningProxy {
  const proxy = new Proxy(scope, options)
  void proxy.run()
  return proxy
}

/** Takes away everything that a proxy with this table has made. */
export async function releaseProxy(scope: Scope, kernel: Kernel, table: string): Promise<void> {
  await kernel.nft(scope, removeTable(table))
}

class Proxy implements RunningProxy {
  readonly #scope: Scope
  readonly #options: ProxyOptions
  readonly #services: Informer<core.Service>
  readonly #slices: Informer<discovery.EndpointSlice>
  readonly #health: HealthServers
  readonly #dirty = new Set<string>()
  #applied: Applied = NOTHING_APPLIED
  /** Nothing has been applied yet, or the last application failed: what the kernel has is not known. */
  #unknown = true
  #wake: (() => void) | undefined
  #waiters: (() => void)[] = []
  readonly #stats = { services: 0, transactions: 0, replacements: 0, failures: 0, lastMs: 0 }

  constructor(scope: Scope, options: ProxyOptions) {
    this.#scope = scope.child({ log: { part: 'proxy' } })
    this.#options = options
    this.#health = new HealthServers(this.#scope)
    this.#services = options.informers.informer(refs.services)
    this.#slices = options.informers.informer(refs.endpointslices)
    this.#slices.addIndex(BY_SERVICE, (slice) => [serviceOf(slice)])
    this.#services.onChange(({ key }) => this.#mark(key))
    this.#slices.onChange(({ old, now }) => {
      for (const slice of [old, now]) if (slice !== undefined) this.#mark(serviceOf(slice))
    })
  }

  #mark(key: string): void {
    this.#dirty.add(key)
    this.#wake?.()
  }

  async settled(): Promise<void> {
    if (this.#dirty.size === 0 && !this.#unknown) return
    await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  stats(): ReturnType<RunningProxy['stats']> {
    return { ...this.#stats }
  }

  async run(): Promise<void> {
    try {
      await Promise.all([this.#services.waitForSync(this.#scope), this.#slices.waitForSync(this.#scope)])
      this.#scope.log.info(SYNCED, { services: this.#services.list().length })
      for (;;) {
        await this.#apply()
        if (this.#dirty.size > 0) continue
        this.#waiters.splice(0).forEach((resolve) => resolve())
        await this.#next()
      }
    } catch (error) {
      if (!isCancelled(error)) this.#scope.log.error('proxy stopped', { error })
    }
  }

  async #next(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => reject(this.#scope.signal.reason)
      this.#scope.signal.addEventListener('abort', stop, { once: true })
      this.#wake = () => {
        this.#scope.signal.removeEventListener('abort', stop)
        resolve()
      }
      this.#scope.check()
    })
    this.#wake = undefined
  }

  async #apply(): Promise<void> {
    const keys = [...this.#dirty]
    this.#dirty.clear()
    const start = this.#scope.clock.monotonic()
    const { table, kernel } = this.#options
    const plan = this.#unknown ? planReplacement(table, this.#all()) : planChange(table, this.#applied, new Map(keys.map((key) => [key, this.#portsOf(key)])))
    for (const key of this.#unknown ? this.#services.list().map(keyOfService) : keys) this.#setHealth(key)
    try {
      if (plan.commands !== '') await kernel.nft(this.#scope, plan.commands)
    } catch (error) {
      this.#scope.check()
      this.#stats.failures++
      this.#unknown = true
      for (const key of keys) this.#dirty.add(key)
      this.#scope.log.error('rules not applied, all are replaced', { error: messageOf(error) })
      await this.#scope.sleep(RETRY_MS)
      return
    }
    if (this.#unknown) this.#stats.replacements++
    this.#unknown = false
    this.#applied = plan.after
    this.#stats.services = plan.after.services.size
    this.#stats.transactions++
    this.#stats.lastMs = this.#scope.clock.monotonic() - start
    for (const args of plan.stale) await this.#forget(args)
  }

  async #forget(args: readonly string[]): Promise<void> {
    try {
      await this.#options.kernel.conntrack(this.#scope, args)
    } catch (error) {
      this.#scope.check()
      this.#scope.log.warn('old UDP connections not forgotten', { error: messageOf(error) })
    }
  }

  #all(): ReadonlyMap<string, readonly ServicePort[]> {
    return new Map(this.#services.list().map((service) => [keyOfService(service), this.#portsOf(keyOfService(service)) ?? []]))
  }

  #portsOf(key: string): readonly ServicePort[] | undefined {
    const service = this.#services.get(key)
    return service === undefined ? undefined : servicePorts(service, this.#slices.byIndex(BY_SERVICE, key), this.#options.nodeName)
  }

  #setHealth(key: string): void {
    const spec = this.#services.get(key)?.spec
    const port = spec?.externalTrafficPolicy === 'Local' && (spec.healthCheckNodePort ?? 0) > 0 ? spec.healthCheckNodePort : undefined
    this.#health.set(key, port, port === undefined ? 0 : localReadyEndpoints(this.#slices.byIndex(BY_SERVICE, key), this.#options.nodeName))
  }
}

const keyOfService = (service: core.Service): string => `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`
const serviceOf = (slice: discovery.EndpointSlice): string => `${slice.metadata?.namespace ?? ''}/${slice.metadata?.labels?.[SERVICE_NAME_LABEL] ?? ''}`
