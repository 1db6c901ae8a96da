import { compareQuantities } from '../meta/quantity.ts'
import type * as core from '../types/core-v1.gen.ts'
import type { Amounts } from './resources.ts'

/**
 * The spec with what each container, and the pod as a whole, holds on to in place of what it is meant to have: while a resize is
 * under way (KEP 1287) that is the most of what is wanted, what the node has set aside and what runs; of a resize that the
 * node can never do, only the latter two count. The same object when there is nothing to replace: the usual case.
 */
export function effectiveSpec({ spec, status }: core.Pod): core.PodSpec | undefined {
  if (spec === undefined || status === undefined) return spec
  const reported = new Map<string, core.ContainerStatus>()
  for (const list of [status.containerStatuses, status.initContainerStatuses])
    for (const one of list ?? []) if (one.resources !== undefined) reported.set(one.name, one)
  const whole = spec.resources === undefined ? undefined : status.resources
  if (reported.size === 0 && whole === undefined) return spec
  const isInfeasible = status.conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible'
  const merged = (
    wanted: core.ResourceRequirements | undefined,
    runs: core.ResourceRequirements | undefined,
    reserved: Amounts | undefined,
  ): core.ResourceRequirements => {
    const still = isInfeasible ? undefined : wanted
    return {
      ...wanted,
      requests: most(still?.requests, runs?.requests, reserved),
      limits: most(still?.limits, runs?.limits),
    }
  }
  const effective = (container: core.Container): core.Container => {
    const found = reported.get(container.name)
    return found === undefined
      ? container
      : { ...container, resources: merged(container.resources, found.resources, found.allocatedResources) }
  }
  return {
    ...spec,
    containers: spec.containers.map(effective),
    ...(spec.initContainers === undefined
      ? {}
      : { initContainers: spec.initContainers.map((one) => (one.restartPolicy === 'Always' ? effective(one) : one)) }),
    ...(whole === undefined ? {} : { resources: merged(spec.resources, whole, status.allocatedResources) }),
  }
}

function most(...lists: readonly (Amounts | undefined)[]): Record<string, string> {
  const result: Record<string, string> = {}
  for (const list of lists)
    for (const [name, amount] of Object.entries(list ?? {})) {
      const there = result[name]
      if (there === undefined || compareQuantities(amount, there) > 0) result[name] = amount
    }
  return result
}
