import type { Scope } from '#base'
import type { ContainerRuntime } from '../cri/runtime.ts'
import { StartRefused } from '../refusal.ts'

/** How long a pod waits before somebody is told why; it is tried again all the same. */
const WAIT_MS = 5000

/**
 * The runtime, which makes no sandbox with a network of its own before pods can have addresses. Without a network it would fail, and containerd 1.6 then keeps
 * the name of the sandbox to itself for a minute: so long would every pod take that is the node's already when the machine or the kind of links is new.
 */
export function awaitingAddresses(runtime: ContainerRuntime, given: Promise<void>): ContainerRuntime {
  return {
    ...runtime,
    async runPodSandbox(scope, spec) {
      if (spec.namespaces.network !== 'node') await orRefused(scope, given)
      return runtime.runPodSandbox(scope, spec)
    },
  }
}

async function orRefused(scope: Scope, given: Promise<void>): Promise<void> {
  using waiting = scope.child()
  const isGiven = await Promise.race([given.then(() => true), waiting.sleep(WAIT_MS).then(() => false)])
  if (!isGiven) throw new StartRefused('NetworkNotReady', 'network is not ready: the pods of this node have no addresses yet')
}
