import { type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import { initContainersOf, mainContainersOf } from '../pods/pod-facts.ts'
import { PodRejected } from '../refusal.ts'
import type { MemoryNode } from '../topology/machine-topology.ts'
import { Turns } from '../turns.ts'
import type { NodeMask } from './hints.ts'
import { mergeHints } from './merge-hints.ts'
import type { AlignedProvider } from './provider.ts'
import type { TopologyPolicy } from './topology-policy.ts'

/**
 * Gives the containers of a pod what has a place on the machine: from places near each other where the policy asks for that, or the pod is
 * rejected. One pod after the other, each container with what the ones before it have left.
 */
export class AlignedResources {
  readonly #policy: TopologyPolicy
  readonly #nodes: readonly MemoryNode[]
  readonly #providers: readonly AlignedProvider[]
  readonly #turns = new Turns()

  constructor(policy: TopologyPolicy, nodes: readonly MemoryNode[], providers: readonly AlignedProvider[]) {
    this.#policy = policy
    this.#nodes = nodes
    this.#providers = providers
  }

  /** Idempotent. Throws `PodRejected`; what the pod has by then is its own until it is released. */
  async prepare(scope: Scope, pod: core.Pod): Promise<void> {
    try {
      await this.#turns.take('', () => this.#prepare(scope, pod))
    } catch (error) {
      if (isCancelled(error) || error instanceof PodRejected) throw error
      throw new PodRejected('UnexpectedAdmissionError', `Pod was rejected: Allocate failed due to ${messageOf(error)}, which is unexpected`)
    }
  }

  async release(scope: Scope, pod: core.Pod): Promise<void> {
    await this.#turns.take('', async () => {
      for (const provider of this.#providers) await provider.release(scope, pod)
    })
  }

  async #prepare(scope: Scope, pod: core.Pod): Promise<void> {
    const isWhole = this.#policy.scope === 'pod'
    const ofPod = isWhole ? this.#affinity(pod, undefined) : undefined
    for (const container of [...initContainersOf(pod), ...mainContainersOf(pod)]) {
      const nodes = isWhole ? ofPod : this.#affinity(pod, container)
      for (const provider of this.#providers) await provider.allocate(scope, pod, container, nodes)
    }
  }

  #affinity(pod: core.Pod, container: core.Container | undefined): NodeMask | undefined {
    if (this.#policy.name === 'none') return undefined
    const hints = this.#providers.map((provider) => provider.hints(pod, container))
    const { nodes, admit } = mergeHints(this.#policy, this.#nodes, hints)
    if (!admit) throw new PodRejected('TopologyAffinityError', 'Pod was rejected: Resources cannot be allocated with Topology locality')
    return nodes
  }
}
