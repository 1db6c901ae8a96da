import { type ProgramResult, RepeatedProgram, type Scope, isCancelled, messageOf, runProgram } from '#base'
import { type KubeObject, type ResourceRef, type core, type networking, deepEqual, keyOf, refs, type IpFamily } from '#api'
import type { Informer, Informers } from '#reconcile'
import { type StandIn, planPolicies } from './model.ts'
import { type Ruleset, changeOf, removeTable, rulesetOf } from './ruleset.ts'

export interface PolicyOptions {
  readonly informers: Informers
  readonly nodeName: string
  /** Name of the nftables tables (one of each family), which belong to the policies alone. */
  readonly table: string
  /** Of pods. Default: IPv4. */
  readonly families?: readonly IpFamily[]
  /** Only in a network namespace at this path. */
  readonly netns?: string
  readonly standIns?: readonly StandIn[]
}

export interface RunningPolicies {
  /** Resolves when the kernel has everything that was known when it was called; rejects when the scope ends first. */
  settled(): Promise<void>
  /** Resolves when what policies say of a pod of this node holds under these addresses: for a pod whose addresses the API does not have yet. */
  protect(scope: Scope, pod: core.Pod, addresses: readonly string[]): Promise<void>
  readonly stats: { readonly transactions: number; readonly failures: number; readonly groups: number; readonly lastMs: number }
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000
const LIMIT_MS = 60_000

/**
 * Keeps the kernel's rules as NetworkPolicies want them for the pods of this node, until the scope is cancelled (the rules stay: what is forbidden stays forbidden).
 * Pods and namespaces are watched only once there is a policy. The informers are started by the caller after this call.
 */
export function startPolicies(scope: Scope, options: PolicyOptions): RunningPolicies {
  const enforcer = new Enforcer(scope.child({ log: { part: 'policies' } }), options)
  void enforcer.run()
  return enforcer
}

export async function releasePolicies(
  scope: Scope,
  table: string,
  netns?: string,
  families: readonly IpFamily[] = ['IPv4'],
): Promise<void> {
  await nft(scope, netns, removal(table, families))
}

class Enforcer implements RunningPolicies {
  readonly #scope: Scope
  readonly #options: PolicyOptions
  readonly #nft: RepeatedProgram
  readonly #policies: Informer<networking.NetworkPolicy>
  #others: { readonly pods: Informer<core.Pod>; readonly namespaces: Informer<core.Namespace> } | undefined
  #applied: Partial<Record<IpFamily, Ruleset>> | undefined
  #dirty = true
  #busy = false
  #wake = (): void => undefined
  /** Of this node, until the API has their addresses. */
  readonly #coming = new Map<string, core.Pod>()
  #waiters: PromiseWithResolvers<void>[] = []
  stats = { transactions: 0, failures: 0, groups: 0, lastMs: 0 }

  constructor(scope: Scope, options: PolicyOptions) {
    this.#scope = scope
    this.#options = options
    this.#nft = new RepeatedProgram(nftIn(options.netns))
    this.#policies = this.#follow(refs.networkpolicies, ({ spec }) => spec)
    scope.signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  async settled(): Promise<void> {
    this.#scope.check()
    if (!this.#dirty && !this.#busy) return
    const waiter = Promise.withResolvers<void>()
    this.#waiters.push(waiter)
    await waiter.promise
  }

  async protect(scope: Scope, pod: core.Pod, addresses: readonly string[]): Promise<void> {
    const [podIP] = addresses
    if (podIP === undefined) return
    await this.#policies.waitForSync(scope)
    // Who comes to be selected by a policy that is made later has its address in the API by then.
    if (this.#policies.list().length === 0) return
    const key = keyOf(pod)
    this.#coming.set(key, { ...pod, status: { ...pod.status, podIP, podIPs: addresses.map((ip) => ({ ip })) } })
    this.#dirty = true
    this.#wake()
    await this.settled()
  }

  /** Pods as the API has them, or, while it does not know their address, as the node has told. */
  #pods(known: readonly core.Pod[]): readonly core.Pod[] {
    if (this.#coming.size === 0) return known
    const coming = new Map(this.#coming)
    const merged = known.map((pod) => {
      const told = coming.get(keyOf(pod))
      coming.delete(keyOf(pod))
      if (told === undefined) return pod
      const isNews = pod.status?.podIP === undefined && pod.metadata?.uid === told.metadata?.uid
      if (!isNews) this.#coming.delete(keyOf(pod))
      return isNews ? { ...pod, status: { ...pod.status, podIP: told.status?.podIP ?? '', podIPs: told.status?.podIPs ?? [] } } : pod
    })
    // The node may have heard of a pod before this cache, which then learns of its end, too.
    return [...merged, ...coming.values()]
  }

  async run(): Promise<void> {
    let retryMs = 0
    try {
      await this.#policies.waitForSync(this.#scope)
      for (;;) {
        this.#busy = true
        this.#dirty = false
        try {
          await this.#apply()
          retryMs = 0
        } catch (error) {
          this.#scope.check()
          this.stats.failures++
          this.#applied = undefined
          this.#dirty = true
          retryMs = Math.min(Math.max(retryMs * 2, FIRST_RETRY_MS), LONGEST_RETRY_MS)
          this.#scope.log.error('policies not applied, all are replaced', { error: messageOf(error) })
          await this.#scope.sleep(retryMs)
        }
        if (this.#dirty) continue
        this.#busy = false
        for (const waiter of this.#waiters.splice(0)) waiter.resolve()
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#scope.check()
      }
    } catch (error) {
      if (!isCancelled(error)) this.#scope.log.error('policies are not kept any more', { error: messageOf(error) })
      for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
    }
  }

  /** `facts`: what of an object the rules depend on; pods change all the time. */
  #follow<T extends KubeObject>(ref: ResourceRef<T>, facts: (object: T) => unknown): Informer<T> {
    const informer = this.#options.informers.informer(ref)
    informer.onChange(({ old, now }) => {
      if (now === undefined && old !== undefined) this.#coming.delete(keyOf(old))
      if (old !== undefined && now !== undefined && deepEqual(facts(old), facts(now))) return
      this.#dirty = true
      this.#wake()
    })
    return informer
  }

  async #apply(): Promise<void> {
    const { nodeName, table, standIns = [], informers, netns, families = ['IPv4'] } = this.#options
    const policies = this.#policies.list()
    // An older run may have left its table.
    if (policies.length === 0 && this.#others === undefined) {
      if (this.#applied === undefined) await nft(this.#scope, netns, removal(table, families))
      this.#applied = {}
      return
    }
    if (this.#others === undefined) {
      this.#others = {
        pods: this.#follow(refs.pods, podFacts),
        namespaces: this.#follow(refs.namespaces, ({ metadata }) => metadata?.labels),
      }
      await informers.start(this.#scope)
    }
    const start = this.#scope.clock.monotonic()
    const world = { nodeName, policies, pods: this.#pods(this.#others.pods.list()), namespaces: this.#others.namespaces.list(), standIns }
    const plans = families.map((family) => ({ family, plan: planPolicies({ ...world, family }) }))
    const rulesets = plans.map(({ family, plan }) => ({ family, ruleset: rulesetOf(plan, family) }))
    const commands = rulesets.map(({ family, ruleset }) => changeOf(table, family, this.#applied?.[family], ruleset)).join('')
    if (commands !== '') outcome(await this.#nft.run(this.#scope, commands, LIMIT_MS))
    this.#applied = Object.fromEntries(rulesets.map(({ family, ruleset }) => [family, ruleset]))
    this.stats = {
      ...this.stats,
      transactions: this.stats.transactions + (commands === '' ? 0 : 1),
      groups: Math.max(...plans.map(({ plan }) => plan.groups.length)),
      lastMs: this.#scope.clock.monotonic() - start,
    }
  }
}

const podFacts = ({ metadata, spec, status }: core.Pod): unknown => [
  metadata?.uid,
  metadata?.labels,
  spec?.nodeName,
  status?.podIPs ?? status?.podIP,
  status?.phase,
]

const removal = (table: string, families: readonly IpFamily[]): string =>
  families.map((family) => `${removeTable(table, family)}\n`).join('')

async function nft(scope: Scope, netns: string | undefined, commands: string): Promise<void> {
  outcome(await runProgram(scope, nftIn(netns), { input: commands, limitMs: LIMIT_MS }))
}

const nftIn = (netns: string | undefined): readonly string[] => [
  ...(netns === undefined ? [] : ['nsenter', `--net=${netns}`]),
  'nft',
  '-f',
  '-',
]

function outcome({ code, stderr }: ProgramResult): void {
  if (code !== 0) throw new Error(`nft ended with ${code}: ${stderr}`)
}
