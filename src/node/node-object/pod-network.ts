import { type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import type { Informer } from '#reconcile'
import type { ContainerRuntime } from '../cri/runtime.ts'

export interface PodNetworkParts {
  /** The own Node alone. */
  readonly nodes: Informer<core.Node>
  readonly runtime: ContainerRuntime
  readonly givePods: (scope: Scope, podCidrs: readonly string[]) => Promise<void>
  /** Says that the network is there. */
  readonly report: (scope: Scope) => Promise<void>
  /** Called when pods can have addresses, each time anew. */
  readonly given: () => void
}

const LOOK_AGAIN_MS = 20
const RETRY_MS = 1000
const READY_WITHIN_MS = 10_000

/**
 * Gives the node's pods the addresses that `spec.podCIDRs` of the Node name, now and whenever it is another one (a Node that was deleted and came back), until the
 * scope ends. Until then the runtime reports that the network is not ready, and so does the Node.
 */
export async function followPodNetwork(scope: Scope, { nodes, runtime, givePods, report, given: tell }: PodNetworkParts): Promise<void> {
  let given: string | undefined
  let wake = (): void => undefined
  const wanted = (): readonly string[] => {
    const { podCIDR, podCIDRs } = nodes.list()[0]?.spec ?? {}
    return podCIDRs ?? (podCIDR ? [podCIDR] : [])
  }
  nodes.onChange(() => wake())
  while (!scope.signal.aborted) {
    const podCidrs = wanted()
    if (podCidrs.length === 0 || podCidrs.join() === given) {
      await new Promise<void>((resolve) => {
        wake = resolve
        scope.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      continue
    }
    try {
      await givePods(scope, podCidrs)
      given = podCidrs.join()
      scope.log.info('the pods of this node have their addresses', { podCidrs })
      const deadline = scope.clock.monotonic() + READY_WITHIN_MS
      while (!(await runtime.status(scope)).networkReady && scope.clock.monotonic() < deadline) await scope.sleep(LOOK_AGAIN_MS)
      tell()
      await report(scope)
    } catch (error) {
      if (isCancelled(error)) return
      scope.log.warn('the network of pods could not be made', { podCidrs, error: messageOf(error) })
      await scope.sleep(RETRY_MS).catch(() => undefined)
    }
  }
}
