import type { Scope } from '#base'
import { type Amounts, type core, keyOf, quotaEvaluator, quotaReleaseMs, quotaResources, quotaUsage, refs, sameAmounts } from '#api'
import { after, compareVersions, type ControllerContext, type ControllerDefinition, done, type Reconcile } from '#reconcile'
import { type Measured, MeasuredResources } from './measured-resources.ts'
import { planUsage } from './plan-usage.ts'

/** What is used is measured again after this long, whatever has been seen. */
const RESYNC_MS = 5 * 60_000
/** A resource that has just been asked for fills within moments, and tells. */
const UNSYNCED_MS = 1000

/**
 * Takes quotas in, and gives back what objects no longer use. What new objects use is written by the API server together with them, so
 * a view that is behind must never lower it: a lower figure comes from a view that contains everything up to the quota's own version,
 * and is written only over that version.
 */
export const resourceQuotaController: ControllerDefinition = { name: 'resourcequota-controller', workers: 5, setup }

function setup(context: ControllerContext): Reconcile {
  const { client, scope: own } = context
  const quotas = context.watch(refs.resourcequotas, ({ key, old, now }) => {
    if (now === undefined || old === undefined) return [key]
    return sameAmounts(old.spec?.hard, now.spec?.hard) && sameAmounts(now.spec?.hard, now.status?.hard) ? [] : [key]
  })
  const enqueueAll = (): void => {
    for (const quota of quotas.list()) context.enqueue(keyOf(quota))
  }
  const resources = new MeasuredResources(context, {
    hasQuota: (namespace) => quotas.list(namespace).length > 0,
    freed: (resource, namespace) => {
      const evaluator = quotaEvaluator(resource)
      for (const quota of quotas.list(namespace))
        if (evaluator !== undefined && evaluator.matching(Object.keys(quota.spec?.hard ?? {})).length > 0) context.enqueue(keyOf(quota))
    },
    onSynced: enqueueAll,
  })
  const servedChanged = (): readonly string[] => {
    resources.forgetServed()
    return quotas.list().map(keyOf)
  }
  context.watch(refs.customresourcedefinitions, servedChanged)
  context.watch(refs.apiservices, servedChanged)
  /** Quotas that have just been taken in: objects that came in between were not charged. */
  const unverified = new Set<string>()

  return async (scope, key) => {
    const quota = quotas.get(key)
    if (quota === undefined) {
      unverified.delete(key)
      return done
    }
    const names = Object.keys(quota.spec?.hard ?? {})
    const found = await Promise.all(quotaResources(names).map((resource) => resources.follow(scope, resource)))
    const measured = found.filter((one) => one !== undefined)
    if (measured.some(({ synced }) => !synced)) return after(UNSYNCED_MS)
    const nowMs = own.clock.now()
    const usage = await measure(scope, quota, names, measured, nowMs, unverified.has(key))
    const { status } = planUsage(quota, usage)
    unverified.delete(key)
    if (status !== undefined) {
      if (!sameAmounts(quota.status?.hard, status.hard)) unverified.add(key)
      await client.resource(refs.resourcequotas).update(scope, { ...quota, status }, { subresource: 'status' })
      if (unverified.has(key)) context.enqueue(key, UNSYNCED_MS)
    }
    return after(Math.min(RESYNC_MS, nextReleaseMs(measured, quota.metadata?.namespace ?? '', nowMs)))
  }
}

/** From the caches where they will do, else from the server. */
async function measure(
  scope: Scope,
  quota: core.ResourceQuota,
  names: readonly string[],
  measured: readonly Measured[],
  nowMs: number,
  isUnverified: boolean,
): Promise<Amounts> {
  const { namespace = '', resourceVersion = '' } = quota.metadata ?? {}
  const usage: Record<string, string> = {}
  for (const { evaluator, version, list, listFresh } of measured) {
    const seen = quotaUsage(quota, names, evaluator, list(namespace), nowMs)
    const isFresh = compareVersions(version, resourceVersion) >= 0
    const mayLower = isUnverified || planUsage(quota, seen).claims.some((name) => seen[name] !== undefined)
    const sure = isFresh || !mayLower ? seen : quotaUsage(quota, names, evaluator, await listFresh(scope, namespace), nowMs)
    Object.assign(usage, sure)
  }
  return usage
}

/** When the next pod that should have ended stops to count. */
function nextReleaseMs(measured: readonly Measured[], namespace: string, nowMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY
  for (const { list } of measured)
    for (const object of list(namespace)) {
      const releaseMs = quotaReleaseMs(object)
      if (releaseMs !== undefined && releaseMs >= nowMs) nextMs = Math.min(nextMs, releaseMs - nowMs + 1)
    }
  return nextMs
}
