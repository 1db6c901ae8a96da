import { compareQuantities } from '../meta/quantity.ts'
import type * as core from '../types/core-v1.gen.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const COUNTED = ['cpu', 'memory'] as const

/** How a pod is treated when its node runs short: by what its containers, or the pod as a whole, ask for and are limited to. */
export function qosClass(spec: core.PodSpec): QosClass {
  const whole = spec.resources
  const sets =
    whole !== undefined ? [whole] : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.resources)
  let any = false
  let guaranteed = true
  for (const resources of sets)
    for (const name of COUNTED) {
      const [request, limit] = [resources?.requests?.[name], resources?.limits?.[name]]
      if (isStated(request) || isStated(limit)) any = true
      if (!isStated(limit) || !sameAmount(request ?? limit, limit)) guaranteed = false
    }
  if (!any) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

/** More than nothing. */
const isStated = (quantity: string | undefined): boolean => quantity !== undefined && /^\+?[0-9.]*[1-9]/.test(quantity)

function sameAmount(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && compareQuantities(a, b) === 0
}
