import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import type { ContainerRuntime } from '../cri/runtime.ts'
import { cgroupDirs, podParents } from '../host/cgroup-tree.ts'
import type { PodManager } from '../pods/pod-manager.ts'
import { isDone } from '../pods/plan/ending.ts'
import { isCritical, uidOf } from '../pods/pod-facts.ts'
import type { PodEvents } from '../pods/services.ts'
import type { NodeSettings } from '../settings.ts'
import { type DiskUse, diskUse } from './disk-use.ts'
import {
  type Eviction,
  type Met,
  PRESSURES,
  type PodUse,
  type Pressure,
  chooseVictim,
  dueThresholds,
  hasDiskLimit,
  metThresholds,
  overLimit,
} from './plan-eviction.ts'
import { observe } from './observe.ts'
import type { Observations, Threshold } from './thresholds.ts'

const EVERY_MS = 10_000
/** What single pods have on the disk is measured this seldom. */
const DISK_EVERY_MS = 60_000
/** A pod that was evicted has so long to be gone before the next one is looked for. */
const GONE_WITHIN_MS = 30_000

export interface EvictionOptions {
  readonly thresholds: readonly Threshold[]
  /** Most grace of a pod that is evicted for a soft threshold. */
  readonly mostGraceSeconds: number
  /** A pressure that is over is shown so long still: a node that swings does not get pods each time. */
  readonly transitionMs: number
}

export interface EvictorParts {
  readonly runtime: Pick<ContainerRuntime, 'listContainerStats'>
  readonly pods: Pick<PodManager, 'workers' | 'end'>
  readonly events: PodEvents
  readonly settings: NodeSettings
  readonly options: EvictionOptions
  /** Removes what can go without harm; called before a pod goes for want of disk. */
  readonly freeDisk: (scope: Scope) => Promise<void>
  /** The pressures have changed. */
  readonly changed: () => void
  readonly observe?: () => Observations
}

/** Watches what the node has left; ends pods when it is too little, and those that use more disk than they may. */
export class Evictor {
  readonly #parts: EvictorParts
  #met: readonly Met[] = []
  readonly #lastMs = new Map<Pressure, number>()
  #lookedMs = 0
  #measureAtMs = Number.NEGATIVE_INFINITY
  #leaving: { readonly uid: string; readonly sinceMs: number } | undefined

  constructor(parts: EvictorParts) {
    this.#parts = parts
  }

  pressures(now: number): ReadonlySet<Pressure> {
    const { transitionMs } = this.#parts.options
    return new Set(
      [...this.#lastMs].filter(([, atMs]) => atMs === this.#lookedMs || now - atMs < transitionMs).map(([pressure]) => pressure),
    )
  }

  async run(scope: Scope): Promise<void> {
    while (!scope.signal.aborted) {
      await this.look(scope).catch((error: unknown) => {
        if (!isCancelled(error)) scope.log.warn('the node could not be looked at for eviction', { error: messageOf(error) })
      })
      await scope.sleep(EVERY_MS).catch(() => undefined)
    }
  }

  /** One round: at most one pod goes for want of something, and every pod that is over its own limit. */
  async look(scope: Scope): Promise<void> {
    const { settings, options, freeDisk } = this.#parts
    const see = this.#parts.observe ?? ((): Observations => observe(settings.podsDir))
    const observations = this.#note(scope, see())
    if (scope.clock.monotonic() >= this.#measureAtMs) {
      this.#measureAtMs = scope.clock.monotonic() + DISK_EVERY_MS
      await this.#endGreedy(scope)
    }
    const [due] = dueThresholds(this.#met, scope.clock.now())
    if (due === undefined || this.#isWaiting(scope.clock.now())) return
    scope.log.warn('the node runs short', { of: due.signal })
    if (PRESSURES[due.signal] === 'DiskPressure') {
      await freeDisk(scope)
      this.#note(scope, see())
      if (!this.#met.some(({ threshold }) => threshold === due)) return
    }
    const victim = chooseVictim(due, observations, await this.#uses(scope), options.mostGraceSeconds)
    if (victim === undefined) return scope.log.error('the node runs short and has no pod to evict', { of: due.signal })
    this.#leaving = { uid: uidOf(victim.pod), sinceMs: scope.clock.now() }
    this.#evict(victim)
  }

  #note(scope: Scope, observations: Observations): Observations {
    const now = scope.clock.now()
    const before = [...this.pressures(now)].join()
    this.#met = metThresholds(this.#parts.options.thresholds, observations, this.#met, now)
    this.#lookedMs = now
    for (const { threshold } of this.#met) this.#lastMs.set(PRESSURES[threshold.signal], now)
    if ([...this.pressures(now)].join() !== before) this.#parts.changed()
    return observations
  }

  /** The pod that was evicted last has not gone yet: what it frees is not seen. */
  #isWaiting(now: number): boolean {
    const leaving = this.#leaving
    if (leaving === undefined || now - leaving.sinceMs >= GONE_WITHIN_MS) return false
    return this.#active().some((pod) => uidOf(pod) === leaving.uid)
  }

  #active(): core.Pod[] {
    return this.#parts.pods.workers.map((worker) => worker.snapshot().pod).filter((pod) => !isDone(pod.status?.phase))
  }

  #evict({ pod, message, graceSeconds }: Eviction): void {
    this.#parts.events.record(pod, 'Warning', 'Evicted', message)
    this.#parts.pods.end(uidOf(pod), { reason: 'Evicted', message, graceSeconds, disruption: 'TerminationByKubelet' })
  }

  async #endGreedy(scope: Scope): Promise<void> {
    const limited = this.#active().filter((pod) => hasDiskLimit(pod) && !isCritical(pod))
    if (limited.length === 0) return
    const needsLayers = limited.some(
      (pod) => pod.spec?.containers?.some(({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined) === true,
    )
    const stats = needsLayers ? await this.#parts.runtime.listContainerStats(scope) : []
    for (const pod of limited) {
      const message = overLimit(pod, await diskUse(scope, this.#parts.settings, pod, stats))
      if (message !== undefined) this.#evict({ pod, message, graceSeconds: 1 })
    }
  }

  async #uses(scope: Scope): Promise<PodUse[]> {
    const { runtime, settings } = this.#parts
    const stats = await runtime.listContainerStats(scope)
    return Promise.all(
      this.#active().map(async (pod) => {
        const own = stats.filter(({ podUid }) => podUid === uidOf(pod))
        const disk: DiskUse = await diskUse(scope, settings, pod, stats)
        return {
          pod,
          memoryBytes: own.reduce((sum, { workingSetBytes }) => sum + workingSetBytes, 0),
          diskBytes: disk.bytes,
          inodes: disk.inodes,
          pids: this.#pids(pod),
          containers: own.map(({ name, workingSetBytes }) => ({
            name,
            memoryBytes: workingSetBytes,
            diskBytes: disk.containers.get(name) ?? 0,
          })),
        }
      }),
    )
  }

  #pids(pod: core.Pod): number {
    const { machine, cgroupRoot } = this.#parts.settings
    const paths = podParents(cgroupRoot).map((parent) => join(parent, `pod${uidOf(pod)}`))
    for (const dir of paths.flatMap((path) => cgroupDirs(machine.cgroups, path))) {
      try {
        return Number(readFileSync(join(dir, 'pids.current'), 'utf8'))
      } catch {
        // Another controller's.
      }
    }
    return 0
  }
}
