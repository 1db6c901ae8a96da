import type { Clock, Timer } from '#base'
import type { PodInfo } from '../pod/pod-info.ts'
import { Heap } from './heap.ts'

/** A change that can make room for a pod that was refused. */
export type ClusterChange =
  | {
      readonly kind: 'node'
      readonly name: string
      readonly added: boolean
      readonly removed: boolean
      readonly labels: boolean
      readonly taints: boolean
      readonly resources: boolean
      /** Those that it says it has. */
      readonly features: boolean
    }
  /** A pod went from a node, asks for less there, or has other labels than before. */
  | { readonly kind: 'pod-left'; readonly pod: PodInfo; readonly node: string }
  | { readonly kind: 'pod-came'; readonly pod: PodInfo }
  | { readonly kind: 'storage' }
  /** Claims of devices, their classes, or what drivers announce. */
  | { readonly kind: 'devices' }

/**
 * Whether a change can end refusals by this plugin, of every pod or of those that it says; asked when the cluster shows it already. In doubt `true`: pods
 * are tried once more for nothing.
 */
export type Hint = (plugin: string, change: ClusterChange) => boolean | ((pod: PodInfo) => boolean)

/** How long a refused pod waits at least, and at most after it has been refused again and again. */
export interface BackOff {
  readonly firstBackOffMs: number
  readonly longestBackOffMs: number
}

interface Entry {
  pod: PodInfo
  attempts: number
  /** When it was first queued; older goes first among equals. */
  readonly sinceMs: number
  /** Where it is; entries in heaps that say something else are left-overs. */
  place: 'active' | 'backing-off' | 'refused' | 'taken'
  readyAtMs: number
  /** Of the last time; undefined when it never was. */
  refusedAtMs: number | undefined
  refusedBy: ReadonlySet<string>
  /** Raised by changes that came while it was being tried. */
  changedMeanwhile: boolean
}

const LONGEST_REFUSED_MS = 300_000
const FLUSH_EVERY_MS = 30_000

const isReadySooner = (a: Entry, b: Entry): boolean => a.readyAtMs < b.readyAtMs

/**
 * Pods that want a node. Active: to be tried, higher priority first, then older. Refused: no node would do; tried again when something changes that can
 * help, or after five minutes. Backing off: something has changed, but they were tried a short time ago; to be tried when their time has come, or
 * before it when nothing else is to be done. Those that something went wrong with wait for their time in any case.
 */
export class SchedulingQueue {
  readonly #clock: Clock
  readonly #backOff: BackOff
  readonly #hint: Hint
  readonly #wake: () => void
  readonly #entries = new Map<string, Entry>()
  readonly #active = new Heap<Entry>(
    (a, b) => a.pod.priority > b.pod.priority || (a.pod.priority === b.pod.priority && a.sinceMs < b.sinceMs),
  )
  readonly #backingOff = new Heap<Entry>(isReadySooner)
  /** Those that something went wrong with. */
  readonly #failed = new Heap<Entry>(isReadySooner)
  readonly #refused = new Set<Entry>()
  /** How many of them each plugin has refused: most changes concern none. */
  readonly #refusers = new Map<string, number>()
  readonly #taken = new Set<Entry>()
  #timer: Timer | undefined
  #flush: Timer | undefined

  /** `wake` is called when there is something to take. */
  constructor(clock: Clock, hint: Hint, wake: () => void, backOff: BackOff = { firstBackOffMs: 1000, longestBackOffMs: 10_000 }) {
    this.#backOff = backOff
    this.#clock = clock
    this.#hint = hint
    this.#wake = wake
  }

  /** A new pod, or a new version of one that waits. `retry`: what changed about it may help. */
  set(pod: PodInfo, retry: boolean): void {
    const known = this.#entries.get(pod.uid)
    if (known === undefined) {
      const now = this.#clock.monotonic()
      const entry: Entry = {
        pod,
        attempts: 0,
        sinceMs: now,
        place: 'taken',
        readyAtMs: now,
        refusedAtMs: undefined,
        refusedBy: new Set(),
        changedMeanwhile: false,
      }
      this.#entries.set(pod.uid, entry)
      this.#activate(entry)
      return
    }
    known.pod = pod
    if (!retry) return
    if (known.place === 'refused') this.#leaveRefused(known)
    else if (known.place === 'taken') known.changedMeanwhile = true
  }

  delete(uid: string): void {
    const entry = this.#entries.get(uid)
    if (entry === undefined) return
    this.#entries.delete(uid)
    this.#uncount(entry)
    this.#taken.delete(entry)
    entry.place = 'taken'
  }

  has(uid: string): boolean {
    return this.#entries.has(uid)
  }

  /** The next pod to try. It stays known until `delete`, `refuse` or `retry`. */
  take(): PodInfo | undefined {
    const entry = nextIn(this.#active, 'active') ?? nextIn(this.#backingOff, 'backing-off')
    if (entry === undefined) return undefined
    entry.place = 'taken'
    this.#taken.add(entry)
    entry.attempts++
    entry.changedMeanwhile = false
    return entry.pod
  }

  /** No node would do, because of these plugins. */
  refuse(uid: string, plugins: ReadonlySet<string>): void {
    const entry = this.#entries.get(uid)
    if (entry === undefined) return
    entry.refusedBy = plugins
    entry.refusedAtMs = this.#clock.monotonic()
    this.#taken.delete(entry)
    if (entry.changedMeanwhile) return this.#delay(entry, this.#backingOff)
    entry.place = 'refused'
    this.#refused.add(entry)
    for (const plugin of plugins) this.#refusers.set(plugin, (this.#refusers.get(plugin) ?? 0) + 1)
    this.#flush ??= this.#clock.after(FLUSH_EVERY_MS, () => this.#flushOld(), { background: true })
  }

  /** Something went wrong that has nothing to do with the nodes: again after a while. */
  retry(uid: string): void {
    const entry = this.#entries.get(uid)
    if (entry === undefined) return
    this.#taken.delete(entry)
    this.#delay(entry, this.#failed)
  }

  /** Whether pods wait to be tried at once. */
  get isBusy(): boolean {
    return this.#active.size > 0
  }

  changed(change: ClusterChange): void {
    for (const entry of this.#taken) entry.changedMeanwhile = true
    const helped = new Map<string, ReturnType<Hint>>()
    for (const plugin of this.#refusers.keys()) {
      const verdict = this.#hint(plugin, change)
      if (verdict !== false) helped.set(plugin, verdict)
    }
    if (helped.size === 0) return
    for (const entry of this.#refused) if (isHelped(entry, helped)) this.#leaveRefused(entry)
  }

  close(): void {
    this.#timer?.cancel()
    this.#flush?.cancel()
  }

  #uncount(entry: Entry): void {
    if (!this.#refused.delete(entry)) return
    for (const plugin of entry.refusedBy) {
      const left = (this.#refusers.get(plugin) ?? 0) - 1
      if (left > 0) this.#refusers.set(plugin, left)
      else this.#refusers.delete(plugin)
    }
  }

  #leaveRefused(entry: Entry): void {
    this.#uncount(entry)
    this.#delay(entry, this.#backingOff)
  }

  /** Counted from the last refusal, so that a pod which has waited long enough goes at once. */
  #delay(entry: Entry, waiting: Heap<Entry>): void {
    const delayMs = Math.min(this.#backOff.firstBackOffMs * 2 ** (entry.attempts - 1), this.#backOff.longestBackOffMs)
    const now = this.#clock.monotonic()
    entry.readyAtMs = (entry.refusedAtMs ?? now) + delayMs
    if (entry.readyAtMs <= now) return this.#activate(entry)
    entry.place = 'backing-off'
    waiting.push(entry)
    this.#arm()
    if (waiting === this.#backingOff) this.#wake()
  }

  #activate(entry: Entry): void {
    entry.place = 'active'
    this.#active.push(entry)
    this.#wake()
  }

  #arm(): void {
    this.#timer?.cancel()
    const next = Math.min(this.#backingOff.peek()?.readyAtMs ?? Infinity, this.#failed.peek()?.readyAtMs ?? Infinity)
    if (next === Infinity) return
    this.#timer = this.#clock.after(Math.max(0, next - this.#clock.monotonic()), () => this.#release(), { background: true })
  }

  #release(): void {
    const now = this.#clock.monotonic()
    for (const waiting of [this.#backingOff, this.#failed])
      for (let next = waiting.peek(); next !== undefined && next.readyAtMs <= now; next = waiting.peek()) {
        waiting.pop()
        if (next.place === 'backing-off') this.#activate(next)
      }
    this.#arm()
  }

  #flushOld(): void {
    this.#flush = undefined
    const now = this.#clock.monotonic()
    for (const entry of this.#refused) if (now - (entry.refusedAtMs ?? now) > LONGEST_REFUSED_MS) this.#leaveRefused(entry)
    if (this.#refused.size > 0) this.#flush = this.#clock.after(FLUSH_EVERY_MS, () => this.#flushOld(), { background: true })
  }
}

function isHelped({ refusedBy, pod }: Entry, helped: ReadonlyMap<string, ReturnType<Hint>>): boolean {
  for (const plugin of refusedBy) {
    const verdict = helped.get(plugin) ?? false
    if (typeof verdict === 'boolean' ? verdict : verdict(pod)) return true
  }
  return false
}

/** The next one that is still there: entries that have gone elsewhere are left-overs. */
function nextIn(heap: Heap<Entry>, place: Entry['place']): Entry | undefined {
  for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) if (entry.place === place) return entry
  return undefined
}
