import type { KubeObject } from '../meta/object.ts'
import { addQuantities } from '../meta/quantity.ts'
import type { GroupResource } from '../meta/status.ts'
import type { Amounts } from '../pods/resources.ts'
import type * as core from '../types/core-v1.gen.ts'
import { type QuotaEvaluator, countEvaluator, countedResource } from './evaluator.ts'
import { podEvaluator } from './pods.ts'
import { resourceClaimEvaluator } from './resource-claims.ts'
import { scopesOf } from './scopes.ts'
import { serviceEvaluator } from './services.ts'
import { volumeClaimEvaluator } from './volume-claims.ts'

const MEASURED: readonly (readonly [GroupResource, QuotaEvaluator])[] = [
  [{ group: '', plural: 'pods' }, podEvaluator],
  [{ group: '', plural: 'services' }, serviceEvaluator],
  [{ group: '', plural: 'persistentvolumeclaims' }, volumeClaimEvaluator],
  [{ group: 'resource.k8s.io', plural: 'resourceclaims' }, resourceClaimEvaluator],
]

/** Answered or passing objects, which no quota counts. */
const IGNORED: ReadonlySet<string> = new Set([
  '/bindings',
  '/componentstatuses',
  '/events',
  'events.k8s.io/events',
  'authentication.k8s.io/tokenreviews',
  'authentication.k8s.io/selfsubjectreviews',
  'authorization.k8s.io/subjectaccessreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/localsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
])

/** Undefined: quotas have nothing to do with the resource. */
export function quotaEvaluator({ group, plural }: GroupResource): QuotaEvaluator | undefined {
  if (IGNORED.has(`${group}/${plural}`)) return undefined
  const measured = MEASURED.find(([resource]) => resource.group === group && resource.plural === plural)
  return measured === undefined ? countEvaluator({ group, plural }) : measured[1]
}

/** The resources whose objects must be looked at to know what is used of these names. */
export function quotaResources(names: readonly string[]): readonly GroupResource[] {
  const found = MEASURED.filter(([, evaluator]) => evaluator.matching(names).length > 0).map(([resource]) => resource)
  for (const name of names) {
    const counted = countedResource(name)
    if (counted === undefined || quotaEvaluator(counted)?.matching([name]).length !== 1) continue
    if (!found.some(({ group, plural }) => group === counted.group && plural === counted.plural)) found.push(counted)
  }
  return found
}

/** Whether the quota selects the object, by its scopes. */
export function quotaSelects(quota: core.ResourceQuota, evaluator: QuotaEvaluator, object: KubeObject): boolean {
  return scopesOf(quota).every((scope) => evaluator.matchesScope(scope, object))
}

/** What the objects of one resource use of the quota's names. */
export function quotaUsage(
  quota: core.ResourceQuota,
  names: readonly string[],
  evaluator: QuotaEvaluator,
  objects: Iterable<KubeObject>,
  nowMs: number,
): Amounts {
  const matching = evaluator.matching(names)
  const used: Record<string, string> = Object.fromEntries(matching.map((name) => [name, '0']))
  for (const object of objects) {
    if (!quotaSelects(quota, evaluator, object)) continue
    const amounts = evaluator.usage(object, nowMs)
    for (const name of matching) {
      const amount = amounts[name]
      if (amount !== undefined) used[name] = addQuantities(used[name] ?? '0', amount)
    }
  }
  return used
}
