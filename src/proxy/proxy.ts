import { type IpFamily, familiesOf } from '#api'
import { type Scope, isCancelled, messageOf } from '#base'
import { type Drift, driftOf } from './audit.ts'
import { HealthServers } from './health.ts'
import type { Kernel } from './kernel/kernel.ts'
import { Ledger, type ProxyPlan, type ProxyTables, planChange, planReplacement } from './plan.ts'
import { removeTable } from './kernel/ruleset.ts'
import { settingsToMind } from './settings.ts'
import { listOf, staleListed } from './kernel/stale.ts'
import { type WantedOptions, WantedServices } from './wanted.ts'

export interface ProxyOptions extends Omit<WantedOptions, 'families'> {
  /** Name of the nftables tables (one of each family that pods have), which belong to this proxy alone. */
  readonly table: string
  readonly kernel: Kernel
  /** Where pods live: their families are those that are served, IPv4 when it is not known. Without it, clients from outside that use a cluster address are not hidden, and pods count as outside for Local policies. */
  readonly podNetworks?: readonly string[]
  /** How often the kernel is asked what it has. Default: 30 s, and 10 minutes for a large table, whose listing costs a second. */
  readonly auditEveryMs?: number
}

export interface RunningProxy {
  /** Resolves when the kernel has everything that was known when it was called; rejects when the proxy stops first. */
  settled(): Promise<void>
  /** Lists the kernel's table and compares it with what was applied. It repairs nothing. */
  audit(scope: Scope): Promise<Drift>
  stats(): ProxyStats
}

export interface ProxyStats {
  readonly services: number
  readonly transactions: number
  readonly replacements: number
  readonly failures: number
  /** From the start of the plan to the kernel's word, of the last transaction. */
  readonly lastMs: number
  /** Of the last audit; undefined when there was none. */
  readonly drift: number | undefined
}

const AUDIT_EVERY_MS = 30_000
const LARGE_AUDIT_EVERY_MS = 600_000
const LARGE_ELEMENTS = 5_000
const FIRST_RETRY_MS = 1000
/** Longer than it takes to make a slice, and shorter than anybody needs to find out that a Service is there. */
const ENDPOINTS_WITHIN_MS = 50
const LONGEST_RETRY_MS = 30_000

/**
 * Keeps the kernel's table as Services and EndpointSlices want it, until the scope is cancelled (the table stays: connections go on). Changes that come while a
 * transaction is under way go into the next one. Now and then the kernel is asked what it has: a table that others have changed is replaced. The informers are started by the caller after this call; nothing is touched before they are synced.
 */
export function startProxy(scope: Scope, options: ProxyOptions): RunningProxy {
  const proxy = new Proxy(scope, options)
  void proxy.run()
  return proxy
}

/** Takes away everything that a proxy with this table has made. */
export async function releaseProxy(scope: Scope, kernel: Kernel, table: string, families: readonly IpFamily[] = ['IPv4']): Promise<void> {
  await kernel.nft(scope, families.map((family) => removeTable(table, family)).join(''))
}

/** Compares the kernel's table with what the API's Services want: for another process than the proxy's. Starts the informers. */
export async function auditProxy(scope: Scope, options: ProxyOptions): Promise<Drift> {
  const tables = tablesOf(options)
  const wanted = new WantedServices({ ...options, families: tables.families })
  await options.informers.start(scope)
  const ledger = new Ledger()
  ledger.commit(planReplacement({ ...tables, serviceNetworks: [] }, wanted.all()).delta)
  return compare(scope, options, ledger)
}

async function compare(scope: Scope, options: ProxyOptions, ledger: Ledger): Promise<Drift> {
  const { table, families } = tablesOf(options)
  const listed = await Promise.all(families.map(async (family) => [family, await options.kernel.list(scope, table, family)] as const))
  const gone = listed.filter(([, listing]) => listing === undefined).map(([family]) => `the table of ${family}`)
  const drift = driftOf(Object.fromEntries(listed.map(([family, listing]) => [family, listing ?? '{}'])), ledger.elements())
  return { ...drift, count: drift.count + gone.length, missing: [...gone, ...drift.missing] }
}

type OwnTables = Omit<ProxyTables, 'serviceNetworks'>
const tablesOf = ({ table, podNetworks = [] }: ProxyOptions): OwnTables => ({ table, podNetworks, families: familiesOf(podNetworks) })

class Proxy implements RunningProxy {
  readonly #scope: Scope
  readonly #options: ProxyOptions
  readonly #tables: OwnTables
  readonly #wanted: WantedServices
  readonly #health: HealthServers
  readonly #dirty = new Set<string>()
  /** New Services whose endpoints are about to come. */
  readonly #expected = new Set<string>()
  readonly #ignored = new Map<string, string>()
  #ledger = new Ledger()
  /** Nothing has been applied yet, or the last application failed: what the kernel has is not known. */
  #unknown = true
  /** Services have addresses of other ranges: rare, and not worth more than to replace all. */
  #outdated = false
  #busy = false
  #retryMs = 0
  #wake: (() => void) | undefined
  #waiters: PromiseWithResolvers<void>[] = []
  readonly #stats = { transactions: 0, replacements: 0, failures: 0, lastMs: 0, drift: undefined as number | undefined }

  constructor(scope: Scope, options: ProxyOptions) {
    this.#scope = scope.child({ log: { part: 'proxy' } })
    this.#options = options
    this.#tables = tablesOf(options)
    this.#health = new HealthServers(this.#scope, () => !this.#unknown)
    this.#wanted = new WantedServices({ ...options, families: this.#tables.families })
    this.#wanted.onRanges(() => {
      this.#outdated = true
      this.#wake?.()
    })
    this.#wanted.onChange((key) => {
      if (!this.#unknown && !this.#ledger.services.has(key) && this.#wanted.awaitsEndpoints(key)) return this.#expect(key)
      this.#expected.delete(key)
      this.#dirty.add(key)
      this.#wake?.()
    })
  }

  /** That a new Service refuses connections is no hurry: its endpoints would have to wait for that transaction. */
  #expect(key: string): void {
    this.#expected.add(key)
    if (this.#expected.size === 1) this.#scope.clock.after(ENDPOINTS_WITHIN_MS, () => this.#expectNoMore(), { background: true })
  }

  #expectNoMore(): void {
    for (const key of this.#expected) this.#dirty.add(key)
    this.#expected.clear()
    this.#wake?.()
  }

  async settled(): Promise<void> {
    this.#scope.check()
    this.#expectNoMore()
    if (!this.#isBehind() && !this.#busy) return
    const waiter = Promise.withResolvers<void>()
    this.#waiters.push(waiter)
    await waiter.promise
  }

  #isBehind(): boolean {
    return this.#dirty.size > 0 || this.#unknown || this.#outdated
  }

  async audit(scope: Scope): Promise<Drift> {
    await this.settled()
    const drift = await compare(scope, this.#options, this.#ledger)
    this.#stats.drift = drift.count
    return drift
  }

  stats(): ProxyStats {
    return { ...this.#stats, services: this.#ledger.services.size }
  }

  async run(): Promise<void> {
    try {
      await Promise.all(this.#wanted.informers.map((informer) => informer.waitForSync(this.#scope)))
      for (const warning of await settingsToMind(this.#scope, this.#options.kernel, this.#tables.families)) this.#scope.log.warn(warning)
      this.#scope.log.info('started', { services: this.#wanted.keys().length })
      void this.#watchOver()
      for (;;) {
        this.#busy = true
        await this.#apply()
        if (this.#isBehind()) continue
        this.#busy = false
        for (const waiter of this.#waiters.splice(0)) waiter.resolve()
        await this.#next()
      }
    } catch (error) {
      if (!isCancelled(error)) this.#scope.log.error('proxy stopped', { error })
      for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
    }
  }

  /** Beside the transactions: what one of them changes meanwhile is no drift. */
  async #watchOver(): Promise<void> {
    try {
      for (;;) {
        const isLarge = this.#ledger.holders.size > LARGE_ELEMENTS
        await this.#scope.sleep(this.#options.auditEveryMs ?? (isLarge ? LARGE_AUDIT_EVERY_MS : AUDIT_EVERY_MS))
        if (!this.#busy && !this.#unknown) await this.#auditOnce()
      }
    } catch (error) {
      if (!isCancelled(error)) this.#scope.log.error('the rules are no longer compared with what they should be', { error })
    }
  }

  async #auditOnce(): Promise<void> {
    const { transactions } = this.#stats
    let drift: Drift
    try {
      drift = await compare(this.#scope, this.#options, this.#ledger)
    } catch (error) {
      this.#scope.check()
      this.#scope.log.warn('the rules could not be listed', { error: messageOf(error) })
      return
    }
    if (this.#busy || this.#stats.transactions !== transactions) return
    this.#stats.drift = drift.count
    if (drift.count === 0) return
    const { count, missing, unexpected, different } = drift
    this.#scope.log.warn('others have changed the rules, all are replaced', { count, missing, unexpected, different })
    this.#unknown = true
    this.#wake?.()
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
    const whole = this.#unknown || this.#outdated
    this.#outdated = false
    const start = this.#scope.clock.monotonic()
    let plan: ProxyPlan
    try {
      for (const key of keys) this.#mind(key)
      plan = this.#plan(whole, keys)
      if (plan.commands !== '') await this.#options.kernel.nft(this.#scope, plan.commands)
    } catch (error) {
      this.#scope.check()
      await this.#failed(whole, error)
      return
    }
    if (whole) {
      this.#stats.replacements++
      this.#ledger = new Ledger()
    }
    this.#ledger.commit(plan.delta)
    this.#unknown = false
    this.#retryMs = 0
    this.#stats.transactions++
    this.#stats.lastMs = this.#scope.clock.monotonic() - start
    await this.#forget(whole, plan.stale)
  }

  #plan(whole: boolean, keys: readonly string[]): ProxyPlan {
    if (whole) return planReplacement({ ...this.#tables, serviceNetworks: this.#wanted.serviceNetworks() }, this.#wanted.all())
    return planChange(this.#tables.table, this.#ledger, new Map(keys.map((key) => [key, this.#wanted.ports(key)])))
  }

  /** After a change that the kernel refused, all is replaced at once; after a replacement, there is nothing but to try again later. */
  async #failed(whole: boolean, error: unknown): Promise<void> {
    this.#stats.failures++
    this.#unknown = true
    this.#scope.log.error('rules not applied, all are replaced', { error: messageOf(error) })
    if (!whole) return
    this.#retryMs = Math.min(Math.max(this.#retryMs * 2, FIRST_RETRY_MS), LONGEST_RETRY_MS)
    await this.#scope.sleep(this.#retryMs)
  }

  async #forget(whole: boolean, stale: ProxyPlan['stale']): Promise<void> {
    const { kernel } = this.#options
    try {
      const found = whole ? await this.#staleInKernel() : stale
      for (const args of found) await kernel.conntrack(this.#scope, args)
    } catch (error) {
      this.#scope.check()
      this.#scope.log.warn('old UDP connections not forgotten', { error: messageOf(error) })
    }
  }

  async #staleInKernel(): Promise<ProxyPlan['stale']> {
    const services = [...this.#ledger.services.values()].map(({ ports }) => ports)
    const found = await Promise.all(
      this.#tables.families.map(async (family) =>
        staleListed(family, await this.#options.kernel.conntrack(this.#scope, listOf(family)), services),
      ),
    )
    return found.flat()
  }

  /** What goes with a Service beside its rules. */
  #mind(key: string): void {
    const health = this.#wanted.health(key)
    this.#health.set(key, health?.port, health?.local ?? 0)
    const ignored = this.#wanted.ignored(key).join('; ')
    if (ignored === (this.#ignored.get(key) ?? '')) return
    if (ignored === '') this.#ignored.delete(key)
    else {
      this.#ignored.set(key, ignored)
      this.#scope.log.warn('parts of a Service are not served', { service: key, ignored })
    }
  }
}
