import type { core } from '#api'
import { type AnyContainer, initContainersOf, isSidecar, mainContainersOf } from '../pods/pod-facts.ts'

/**
 * What a container of a pod can take over: what init containers before it had, which have ended when it starts, and nobody that lasts has
 * taken since.
 */
export function reusableBy<T>(pod: core.Pod, container: AnyContainer, held: (name: string) => ReadonlySet<T>): ReadonlySet<T> {
  const inits = initContainersOf(pod)
  let reusable: ReadonlySet<T> = new Set()
  for (const before of [...inits, ...mainContainersOf(pod)]) {
    if (before.name === container.name) break
    const has = held(before.name)
    reusable = inits.includes(before) && !isSidecar(pod, before) ? reusable.union(has) : reusable.difference(has)
  }
  return reusable
}
