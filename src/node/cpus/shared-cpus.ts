import { type Scope, messageOf } from '#base'
import type { ContainerRuntime } from '../cri/runtime.ts'
import { formatNumbers } from '../topology/number-list.ts'
import type { ExclusiveCpus } from './exclusive-cpus.ts'

/** A container that runs, or is about to. */
export interface LiveContainer {
  readonly id: string
  readonly podUid: string
  readonly name: string
}

/** So often it is looked whether every container runs where it should, and when one could not be moved. */
const EVERY_MS = 60_000
const AGAIN_MS = 1000
const UNCHANGED = { cpuPeriodUs: 0, cpuQuotaUs: 0, cpuShares: 0, memoryLimitBytes: 0, oomScoreAdj: 0, unified: {} }

/** Keeps containers that run on the processors that are theirs: when one gets some of its own, all others leave them. */
export class SharedCpus {
  readonly #cpus: ExclusiveCpus
  readonly #runtime: Pick<ContainerRuntime, 'updateContainerResources'>
  readonly #live: () => readonly LiveContainer[]
  /** By container id: where it was put last. */
  readonly #put = new Map<string, string>()
  #wake: () => void = () => undefined

  constructor(cpus: ExclusiveCpus, runtime: Pick<ContainerRuntime, 'updateContainerResources'>, live: () => readonly LiveContainer[]) {
    this.#cpus = cpus
    this.#runtime = runtime
    this.#live = live
  }

  /** The set that a container is to run on. */
  wanted(podUid: string, container: string): string {
    return formatNumbers(this.#cpus.of(podUid, container) ?? this.#cpus.shared)
  }

  /** Somebody got processors, or gave them back. */
  changed(): void {
    this.#wake()
  }

  /** Until the scope ends. */
  async run(scope: Scope): Promise<void> {
    while (!scope.signal.aborted) {
      const changed = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      const isDone = await this.#look(scope)
      using pause = scope.child()
      await Promise.race([changed, pause.sleep(isDone ? EVERY_MS : AGAIN_MS).catch(() => undefined)])
    }
  }

  /** True when everybody is where they should be. */
  async #look(scope: Scope): Promise<boolean> {
    const live = this.#live()
    const ids = new Set(live.map(({ id }) => id))
    for (const id of this.#put.keys()) if (!ids.has(id)) this.#put.delete(id)
    let isDone = true
    for (const { id, podUid, name } of live) {
      const cpus = this.wanted(podUid, name)
      if (this.#put.get(id) === cpus) continue
      try {
        await this.#runtime.updateContainerResources(scope, id, { ...UNCHANGED, cpus })
        this.#put.set(id, cpus)
      } catch (error) {
        if (scope.signal.aborted) return false
        isDone = false
        scope.log.warn('a container could not be moved to its processors', { container: name, cpus, error: messageOf(error) })
      }
    }
    return isDone
  }
}
