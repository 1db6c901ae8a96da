import type { core } from '#api'
import { quantityMilli, quantityToNumber } from '#api'

/** What a pod asks of a node: CPU in thousandths of a core, everything else in its own unit (bytes, devices). */
export type Amounts = ReadonlyMap<string, number>

/** What a container without a request counts as, when nodes are compared (never when it is decided whether a pod fits). */
const UNSTATED = new Map([
  ['cpu', 100],
  ['memory', 200 * 1024 * 1024],
])

const NOTHING: Amounts = new Map()

const amountOf = (resource: string, quantity: string): number => (resource === 'cpu' ? quantityMilli(quantity) : quantityToNumber(quantity))

export function amountsOf(list: Readonly<Record<string, string>> | undefined): Map<string, number> {
  const amounts = new Map<string, number>()
  if (list !== undefined) for (const resource in list) amounts.set(resource, amountOf(resource, list[resource] ?? '0'))
  return amounts
}

function add(into: Map<string, number>, amounts: Amounts): void {
  for (const [resource, amount] of amounts) into.set(resource, (into.get(resource) ?? 0) + amount)
}

function raise(into: Map<string, number>, amounts: Amounts): void {
  for (const [resource, amount] of amounts) into.set(resource, Math.max(into.get(resource) ?? 0, amount))
}

/**
 * The most that a pod needs at any time: its containers and sidecars together, or one init container with the sidecars started
 * before it, whichever is more; resources stated for the whole pod count instead of the containers' sum; overhead is added.
 */
export function podRequests(spec: core.PodSpec, unstated: Amounts = NOTHING): Map<string, number> {
  const of = (container: core.Container): Map<string, number> => {
    const amounts = amountsOf(container.resources?.requests)
    for (const [resource, amount] of unstated) if (!amounts.has(resource)) amounts.set(resource, amount)
    return amounts
  }
  const total = new Map<string, number>()
  for (const container of spec.containers) add(total, of(container))
  if (spec.initContainers !== undefined) {
    const sidecars = new Map<string, number>()
    const peak = new Map<string, number>()
    for (const container of spec.initContainers) {
      const amounts = of(container)
      if (container.restartPolicy === 'Always') {
        add(total, amounts)
        add(sidecars, amounts)
        raise(peak, sidecars)
      } else {
        add(amounts, sidecars)
        raise(peak, amounts)
      }
    }
    raise(total, peak)
  }
  for (const [resource, amount] of amountsOf(spec.resources?.requests)) total.set(resource, amount)
  if (spec.overhead !== undefined) add(total, amountsOf(spec.overhead))
  return total
}

/** What a placed pod counts as on its node, when nodes are compared: where the pod as a whole states something, only what nobody has stated is filled in. */
export function weighedRequests(spec: core.PodSpec, requests: Amounts): Amounts {
  if (!hasOwnRequests(spec)) return podRequests(spec, UNSTATED)
  const missing = new Map([...UNSTATED].filter(([resource]) => !requests.has(resource)))
  return missing.size === 0 ? requests : podRequests(spec, missing)
}

/** What a pod that looks for a node counts as: the sum of its containers, whatever the pod as a whole states. */
export function askedRequests(spec: core.PodSpec, weighed: Amounts): Amounts {
  if (!hasOwnRequests(spec)) return weighed
  const { resources: _, ...containersAlone } = spec
  return podRequests(containersAlone, UNSTATED)
}

const hasOwnRequests = ({ resources }: core.PodSpec): boolean =>
  Object.keys(resources?.requests ?? {}).some((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'))
