import { type Scope, isCancelled } from '#base'
import type { core } from '#api'
import type { PodManager } from '../pods/pod-manager.ts'
import { isDone } from '../pods/plan/ending.ts'
import { uidOf } from '../pods/pod-facts.ts'
import { PodRejected } from '../refusal.ts'
import { type ShutdownGroup, planShutdown } from './plan-shutdown.ts'

const REASON = 'Terminated'
const MESSAGE = 'Pod was terminated in response to imminent node shutdown.'
const LOOK_AGAIN_MS = 50

export interface ShutdownParts {
  readonly groups: readonly ShutdownGroup[]
  readonly pods: Pick<PodManager, 'workers' | 'end' | 'byUid'>
  /** The node is no longer ready, or is again. */
  readonly changed: () => void
}

/** The machine goes down: no pods are taken any more, those that are there end in the order of their priority, each with its grace. */
export class NodeShutdown {
  readonly #parts: ShutdownParts
  #under: Promise<void> | undefined

  constructor(parts: ShutdownParts) {
    this.#parts = parts
  }

  get isUnderWay(): boolean {
    return this.#under !== undefined
  }

  get totalSeconds(): number {
    return this.#parts.groups.reduce((sum, { graceSeconds }) => sum + graceSeconds, 0)
  }

  /** Throws `PodRejected` from the moment that the shutdown has begun. */
  admit(): void {
    if (this.isUnderWay) throw new PodRejected('NodeShutdown', 'Pod was rejected: Pod was rejected as the node is shutting down.')
  }

  /** Resolves when the pods have ended, or their time is over. Called again it is the same shutdown. */
  begin(scope: Scope): Promise<void> {
    this.#under ??= this.#endPods(scope)
    this.#parts.changed()
    return this.#under
  }

  /** The machine stays up after all; pods that were ended stay ended. */
  takeBack(): void {
    this.#under = undefined
    this.#parts.changed()
  }

  async #endPods(scope: Scope): Promise<void> {
    const there = this.#parts.pods.workers.map(({ pod }) => pod).filter((pod) => !isDone(pod.status?.phase))
    scope.log.info('the machine goes down: pods are ended', { pods: there.length })
    for (const { graceSeconds, pods } of planShutdown(this.#parts.groups, there)) {
      for (const { pod, graceSeconds: own } of pods)
        this.#parts.pods.end(uidOf(pod), { reason: REASON, message: MESSAGE, graceSeconds: own, disruption: 'TerminationByKubelet' })
      const deadline = scope.clock.monotonic() + graceSeconds * 1000
      try {
        while (pods.some(({ pod }) => !this.#isDown(pod)) && scope.clock.monotonic() < deadline) await scope.sleep(LOOK_AGAIN_MS)
      } catch (error) {
        if (isCancelled(error)) return
        throw error
      }
    }
  }

  /** Its processes have ended, and its volumes are free: whoever serves them may end. */
  #isDown(pod: core.Pod): boolean {
    const worker = this.#parts.pods.byUid(uidOf(pod))
    return worker === undefined || (worker.state.containers.every(({ state }) => state !== 'running') && worker.memory.volumesReleased)
  }
}
