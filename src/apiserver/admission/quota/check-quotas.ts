import {
  type Amounts,
  type KubeObject,
  type QuotaEvaluator,
  addAmounts,
  canonicalQuantity,
  compareQuantities,
  type core,
  growth,
  onlyNamed,
  quotaSelects,
  sameAmounts,
  withoutZeros,
} from '#api'
import type { AdmissionRequest } from '../../contract.ts'
import { forbidden } from '../refuse.ts'

/** A quota with what will be used of it once the write has happened. */
export interface Charge {
  readonly quota: core.ResourceQuota
  readonly used: Amounts
}

/**
 * What a write takes from the quotas of its namespace. Only those that have been taken in by the quota controller (`status.hard`)
 * limit anything. Throws `StatusError` 403 when one does not allow it.
 */
export function checkQuotas(
  quotas: readonly core.ResourceQuota[],
  request: AdmissionRequest,
  evaluator: QuotaEvaluator,
  nowMs: number,
): readonly Charge[] {
  const object = request.object as KubeObject
  const concerned = quotas.filter((quota) => isConcerned(quota, evaluator, object))
  for (const quota of concerned) {
    const { hard = {}, used = {} } = quota.status ?? {}
    const limited = evaluator.matching(Object.keys(hard))
    const problem = evaluator.problem(limited, object)
    const name = quota.metadata?.name ?? ''
    if (problem !== undefined) throw forbidden(request, `failed quota: ${name}: ${problem}`)
    if (limited.some((one) => used[one] === undefined))
      throw forbidden(request, `status unknown for quota: ${name}, resources: ${[...limited].sort().join(',')}`)
  }
  const usage = evaluator.usage(object, nowMs)
  const negative = Object.keys(usage).filter((name) => compareQuantities(usage[name] ?? '0', 0) < 0)
  if (negative.length > 0) throw forbidden(request, `quota usage is negative for resource(s): ${negative.sort().join(',')}`)
  return concerned.flatMap((quota) => {
    const { old } = request
    const wasCounted = old !== undefined && isConcerned(quota, evaluator, old)
    const added = withoutZeros(wasCounted ? growth(usage, evaluator.usage(old, nowMs)) : usage)
    const used = charge(quota, added, request)
    return used === undefined || sameAmounts(used, quota.status?.used) ? [] : [{ quota, used }]
  })
}

const isConcerned = (quota: core.ResourceQuota, evaluator: QuotaEvaluator, object: KubeObject): boolean =>
  evaluator.matching(Object.keys(quota.status?.hard ?? {})).length > 0 && quotaSelects(quota, evaluator, object)

function charge(quota: core.ResourceQuota, added: Amounts, request: AdmissionRequest): Amounts | undefined {
  if (Object.keys(added).length === 0) return undefined
  const { hard = {}, used = {} } = quota.status ?? {}
  const requested = onlyNamed(added, Object.keys(hard))
  const next = addAmounts(used, requested)
  // What has happened is only written down.
  if (request.subresource === 'status') return next
  const exceeded = Object.keys(requested).filter((name) => compareQuantities(next[name] ?? '0', hard[name] ?? '0') > 0)
  if (exceeded.length === 0) return next
  const listed = (amounts: Amounts): string =>
    [...exceeded]
      .sort()
      .map((name) => `${name}=${canonicalQuantity(amounts[name] ?? '0')}`)
      .join(',')
  const why = `requested: ${listed(requested)}, used: ${listed(used)}, limited: ${listed(hard)}`
  throw forbidden(request, `exceeded quota: ${quota.metadata?.name ?? ''}, ${why}`)
}
