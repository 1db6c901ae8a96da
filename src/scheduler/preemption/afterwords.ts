import { DEFAULT_PREEMPTION, DYNAMIC_RESOURCES } from '../config/plugin-sets.ts'
import type { Diagnosis } from '../framework/decide.ts'
import { refusalMessage } from '../framework/message.ts'
import type { PodInfo } from '../pod/pod-info.ts'

/** What the plugins that are asked when no node would do say in the end, in their order. `preemption`: why it does not help. `gaveBack`: the devices of a claim. */
export function afterwords({ pod }: PodInfo, postFilters: readonly string[], preemption: string, gaveBack = false): string {
  const waiting = (pod.spec?.resourceClaims ?? []).length === 0 ? 'no new claims to deallocate' : 'still not schedulable'
  const claims = gaveBack ? 'deallocation of ResourceClaim completed' : waiting
  const words = new Map([
    [DYNAMIC_RESOURCES, claims],
    [DEFAULT_PREEMPTION, `preemption: ${preemption}`],
  ])
  return postFilters.flatMap((name) => words.get(name) ?? []).join(', ')
}

/** The message when something is wrong with the pod wherever it would go: taking others away is of no use then. */
export function generalMessage(diagnosis: Diagnosis, postFilters: readonly string[]): string {
  const { general, nodes } = diagnosis
  if (general === undefined || postFilters.includes(DYNAMIC_RESOURCES)) return refusalMessage(diagnosis, '')
  const { tail: _, ...plain } = general
  const useless = `preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`
  return refusalMessage({ ...diagnosis, general: plain }, postFilters.includes(DEFAULT_PREEMPTION) ? useless : '')
}
