import { type Scope, UserError } from '#base'
import { type core, quantityMilli } from '#api'
import { type Hints, NO_HINTS, type NodeMask, countOf, has, masksOf, preferring } from '../alignment/hints.ts'
import type { AlignedProvider } from '../alignment/provider.ts'
import { reusableBy } from '../alignment/reusable.ts'
import { type AnyContainer, initContainersOf, isSidecar, mainContainersOf, qosClassOf, uidOf } from '../pods/pod-facts.ts'
import { PluginRefused, PodRejected } from '../refusal.ts'
import type { Topology } from '../topology/machine-topology.ts'
import { type NumberSet, formatNumbers } from '../topology/number-list.ts'
import { CpuBook } from './cpu-book.ts'
import type { CpuOptions } from './cpu-policy.ts'
import { distributeCpus } from './distribute-cpus.ts'
import { takeCpus, threadsPerCore } from './take-cpus.ts'

export interface ExclusiveCpusParts {
  readonly path: string
  readonly topology: Topology
  readonly options: CpuOptions
  /** Kept for the node's own programs: these, or as many as `reservedMilli` needs. */
  readonly reservedCpus: NumberSet | undefined
  readonly reservedMilli: number
  /** What all others run on is another set than before. */
  readonly changed: () => void
}

/** How many processors a container has for itself: as many as it asks for, when that is a whole number and its pod has all that it asks for guaranteed. */
export function ownCpusOf(pod: core.Pod, container: AnyContainer): number {
  if (qosClassOf(pod) !== 'Guaranteed' || pod.spec?.resources !== undefined) return 0
  const milli = quantityMilli(container.resources?.requests?.cpu ?? container.resources?.limits?.cpu ?? '0')
  return milli % 1000 === 0 ? milli / 1000 : 0
}

/** At any one time: those that last together, or with one init container as long as that runs. */
function ownCpusOfPod(pod: core.Pod): number {
  let sidecars = 0
  let most = 0
  for (const container of initContainersOf(pod)) {
    const own = ownCpusOf(pod, container)
    if (isSidecar(pod, container)) sidecars += own
    else most = Math.max(most, sidecars + own)
  }
  return Math.max(
    most,
    mainContainersOf(pod).reduce((sum, container) => sum + ownCpusOf(pod, container), sidecars),
  )
}

/** Processors that are one container's alone as long as its pod is on the node (the kubelet's static CPU manager policy); all others share the rest. */
export class ExclusiveCpus implements AlignedProvider {
  readonly #parts: ExclusiveCpusParts
  readonly #book: CpuBook
  readonly #all: NumberSet
  readonly reserved: NumberSet

  /** Throws `UserError` when nothing is reserved, or what is not there. */
  constructor(parts: ExclusiveCpusParts) {
    const { topology, reservedCpus, reservedMilli, path } = parts
    this.#parts = parts
    this.#book = new CpuBook(path)
    this.#all = new Set(topology.cpus.map(({ cpu }) => cpu))
    const count = Math.ceil(reservedMilli / 1000)
    const reserved = reservedCpus ?? this.#take(this.#all, count) ?? new Set()
    if (reserved.size === 0)
      throw new UserError(
        'the static CPU manager policy needs processors for the node itself',
        'reserve some: --reserved-cpus 0, or cpu=1 in --kube-reserved or --system-reserved',
      )
    if (!reserved.isSubsetOf(this.#all))
      throw new UserError(
        `there are no processors ${formatNumbers(reserved.difference(this.#all))}`,
        `there are ${formatNumbers(this.#all)}`,
      )
    this.reserved = reserved
  }

  async start(): Promise<void> {
    await this.#book.load(this.usable)
  }
  /** Takes back what pods have that are not among these. */
  async keepOnly(present: ReadonlySet<string>): Promise<void> {
    await this.#takeBack(this.#book.pods.filter((uid) => !present.has(uid)))
  }

  /** Those that a container can have for itself. */
  get usable(): NumberSet {
    return this.#all.difference(this.reserved)
  }
  /** What everybody without some of their own runs on. */
  get shared(): NumberSet {
    const rest = this.#all.difference(this.#book.given)
    return this.#parts.options.strictReservation ? rest.difference(this.reserved) : rest
  }
  of(podUid: string, container: string): NumberSet | undefined {
    return this.#book.of(podUid, container)
  }
  hasAny(podUid: string): boolean {
    return this.#book.hasAny(podUid)
  }

  hints(pod: core.Pod, container: AnyContainer | undefined): Hints {
    const count = container === undefined ? ownCpusOfPod(pod) : ownCpusOf(pod, container)
    if (count === 0) return NO_HINTS
    const uid = uidOf(pod)
    const held = (name: string): NumberSet => this.#book.of(uid, name) ?? new Set()
    const whose = container === undefined ? [...initContainersOf(pod), ...mainContainersOf(pod)] : [container]
    const had = new Set(whose.flatMap(({ name }) => [...held(name)]))
    if (whose.some(({ name, ...rest }) => held(name).size > 0 && held(name).size !== ownCpusOf(pod, { name, ...rest })))
      return new Map([['cpu', []]])
    if (had.size === count) return new Map([['cpu', this.#hints(had, new Set(), count)]])
    const reusable = container === undefined ? had : reusableBy(pod, container, held)
    return new Map([['cpu', this.#hints(this.#free(), reusable, count)]])
  }

  async allocate(_: Scope, pod: core.Pod, container: AnyContainer, nodes: NodeMask | undefined): Promise<void> {
    const count = ownCpusOf(pod, container)
    const uid = uidOf(pod)
    if (count === 0 || this.#book.of(uid, container.name) !== undefined) return
    this.#verifyWholeCores(count)
    const free = this.#free().union(reusableBy(pod, container, (name) => this.#book.of(uid, name) ?? new Set<number>()))
    const near = nodes === undefined ? new Set<number>() : new Set([...free].filter((cpu) => has(nodes, this.#nodeOf(cpu))))
    const aligned = this.#take(near, Math.min(near.size, count)) ?? new Set()
    const rest = this.#take(free.difference(aligned), count - aligned.size)
    if (rest === undefined)
      throw new PluginRefused(`not enough cpus available to satisfy request: requested=${count}, available=${free.size}`)
    await this.#book.give(uid, container.name, aligned.union(rest), () => this.shared)
    this.#parts.changed()
  }

  async release(_: Scope, pod: core.Pod): Promise<void> {
    await this.#takeBack([uidOf(pod)])
  }

  async #takeBack(uids: readonly string[]): Promise<void> {
    if (await this.#book.takeBack(uids, () => this.shared)) this.#parts.changed()
  }

  #free(): NumberSet {
    return this.usable.difference(this.#book.given)
  }
  #nodeOf(cpu: number): number {
    return this.#parts.topology.cpus.find((place) => place.cpu === cpu)?.node ?? 0
  }

  #take(free: NumberSet, count: number): NumberSet | undefined {
    const { topology, options } = this.#parts
    return options.distribute
      ? distributeCpus(topology, free, count, options.fullCores ? threadsPerCore(topology) : 1)
      : takeCpus(topology, free, count, options.byCache)
  }

  /** Where a core is one container's or nobody's, its reserved half takes the other half out, too. */
  #verifyWholeCores(count: number): void {
    const { options, topology } = this.#parts
    if (!options.fullCores) return
    const threads = threadsPerCore(topology)
    const reject = (why: string): never => {
      throw new PodRejected('SMTAlignmentError', `Pod was rejected: SMT Alignment Error: ${why}`)
    }
    if (count % threads !== 0) reject(`requested ${count} cpus not multiple cpus per core = ${threads}`)
    const cores = new Set(topology.cpus.flatMap(({ cpu, core }) => (this.reserved.has(cpu) ? [core] : [])))
    const whole = topology.cpus.filter(({ cpu, core }) => !cores.has(core) && !this.#book.given.has(cpu)).length
    if (count > whole)
      reject(`not enough free physical CPUs: available physical CPUs = ${whole}, requested CPUs = ${count}, CPUs per core = ${threads}`)
  }

  #hints(free: NumberSet, reusable: NumberSet, count: number): ReturnType<typeof preferring> {
    const { topology } = this.#parts
    const nodes = [...new Set(topology.cpus.map(({ node }) => node))].sort((a, b) => a - b)
    let fewest = nodes.length
    const masks: NodeMask[] = []
    for (const mask of masksOf(nodes)) {
      const inMask = (cpus: NumberSet): number => [...cpus].filter((cpu) => has(mask, this.#nodeOf(cpu))).length
      if (inMask(this.#all) >= count) fewest = Math.min(fewest, countOf(mask))
      // What it takes over has to be among them.
      if (inMask(reusable) === reusable.size && inMask(free) + reusable.size >= count) masks.push(mask)
    }
    return preferring(masks, fewest)
  }
}
