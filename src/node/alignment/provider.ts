import type { Scope } from '#base'
import type { core } from '#api'
import type { LinuxResources } from '../cri/runtime.ts'
import type { AnyContainer } from '../pods/pod-facts.ts'
import type { Hints, NodeMask } from './hints.ts'

/** Who gives containers something that is near some of the machine and far from the rest. */
export interface AlignedProvider {
  /** From where it could be given: to one container, or to the whole pod. */
  hints(pod: core.Pod, container: AnyContainer | undefined): Hints
  /**
   * Gives it, from these nodes as far as they have it (undefined: from anywhere). Idempotent; resolves when it is on disk. Throws
   * `PodRejected`, or what the pod is rejected for.
   */
  allocate(scope: Scope, pod: core.Pod, container: AnyContainer, nodes: NodeMask | undefined): Promise<void>
  /** Takes back what the pod has. Idempotent. */
  release(scope: Scope, pod: core.Pod): Promise<void>
}

/** Which processors and memory of the machine a container runs on. */
export type Placement = Partial<Pick<LinuxResources, 'cpus' | 'memoryNodes' | 'cpuQuotaUs'>>
