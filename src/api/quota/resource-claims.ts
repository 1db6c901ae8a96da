import type { KubeObject } from '../meta/object.ts'
import type { Amounts } from '../pods/resources.ts'
import type * as resource from '../types/resource-v1.gen.ts'
import type { QuotaEvaluator } from './evaluator.ts'

const COUNT = 'count/resourceclaims.resource.k8s.io'
/** `gpu.deviceclass.resource.k8s.io/devices` */
const BY_CLASS = '.deviceclass.resource.k8s.io/devices'
/** A claim for all devices of a class counts as many as a claim can hold. */
const MOST_DEVICES = 32

export const resourceClaimEvaluator: QuotaEvaluator = {
  matching: (names) => names.filter((name) => name === COUNT || name.endsWith(BY_CLASS)),
  matchesScope: () => false,
  problem: () => undefined,
  usage: claimUsage,
  charges: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  frees: (old, now) => JSON.stringify(claimUsage(old)) !== JSON.stringify(claimUsage(now)),
}

/** Of alternatives, each class counts with the most that it may have to give. */
function claimUsage(claim: KubeObject): Amounts {
  const devices = new Map<string, number>()
  const add = (className: string, count: number): void => void devices.set(className, (devices.get(className) ?? 0) + count)
  for (const { exactly, firstAvailable = [] } of (claim as resource.ResourceClaim).spec?.devices?.requests ?? []) {
    const most = new Map<string, number>()
    for (const one of firstAvailable) most.set(one.deviceClassName, Math.max(most.get(one.deviceClassName) ?? 0, countOf(one)))
    if (firstAvailable.length > 0) for (const [className, count] of most) add(className, count)
    else if (exactly !== undefined) add(exactly.deviceClassName, countOf(exactly))
  }
  return { [COUNT]: '1', ...Object.fromEntries([...devices].map(([className, count]) => [className + BY_CLASS, String(count)])) }
}

function countOf({
  allocationMode,
  count = 0,
}: {
  readonly allocationMode?: string | undefined
  readonly count?: number | undefined
}): number {
  return allocationMode === 'All' ? MOST_DEVICES : allocationMode === 'ExactCount' ? count : 0
}
