import type { core } from '#api'
import type { WorkingMemory } from '../pod-subject.ts'
import type { PodServices } from '../services.ts'
import { type Allocation, WHOLE_POD, askedOf, toldAllocationOf, withAllocation } from './allocation.ts'
import { resizeMessage } from './plan-resize.ts'

/** What one pod asks for, and what the node has granted of it. */
export class ResizeGrants {
  /** As the API has it. */
  #asked: core.Pod
  #granted: Allocation
  #pod: core.Pod

  /** Whatever has a start time was granted by this node what its status says. */
  constructor(pod: core.Pod) {
    this.#asked = pod
    this.#granted = pod.status?.startTime === undefined ? askedOf(pod) : toldAllocationOf(pod)
    this.#pod = withAllocation(pod, this.#granted)
  }

  get asked(): core.Pod {
    return this.#asked
  }

  /** With the resources that are granted. */
  get pod(): core.Pod {
    return this.#pod
  }

  get ofWholePod(): ReturnType<Allocation['get']> {
    return this.#granted.get(WHOLE_POD)
  }

  update(pod: core.Pod): void {
    this.#asked = pod
    this.#pod = withAllocation(pod, this.#granted)
  }

  /** Grants what the pod asks for when there is room, and notes when it has it. */
  settle(services: Pick<PodServices, 'events' | 'refuseResize'>, memory: WorkingMemory, isResized: () => boolean): void {
    const asked = this.#asked
    const generation = asked.metadata?.generation ?? 0
    const tell = (type: 'Normal' | 'Warning', reason: string, what: string, of: number, error?: string): void =>
      services.events.record(asked, type, reason, resizeMessage(asked, what, of, error))
    if (this.#pod !== asked) {
      const refusal = services.refuseResize(asked, this.#pod)
      if (refusal === undefined) {
        this.#granted = askedOf(asked)
        this.#pod = asked
        memory.resize = { inProgress: { generation } }
        tell('Normal', 'ResizeStarted', 'Pod resize started', generation)
      } else if (memory.resize.pending?.generation !== generation || memory.resize.pending.message !== refusal.message) {
        const verdict = refusal.reason === 'Infeasible' ? 'Infeasible' : 'Deferred'
        if (memory.resize.pending?.generation !== generation)
          tell('Warning', `Resize${verdict}`, `Pod resize ${refusal.reason}`, generation, refusal.message)
        memory.resize = { ...memory.resize, pending: { reason: verdict, message: refusal.message, generation } }
      }
    } else if (memory.resize.pending !== undefined) {
      memory.resize = { inProgress: memory.resize.inProgress }
    }
    const { inProgress } = memory.resize
    if (inProgress === undefined || !isResized()) return
    memory.resize = { pending: memory.resize.pending }
    tell('Normal', 'ResizeCompleted', 'Pod resize completed', inProgress.generation)
  }
}
