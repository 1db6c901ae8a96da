import { rfc3339 } from '#base'
import type { core, policy } from '#api'
import { isReady, isTerminating, resolveIntOrPercent } from '#reconcile'

/** A pod that is still there this long after its eviction was allowed counts again. */
export const DELETION_TIMEOUT_MS = 2 * 60_000
const CONDITION = 'DisruptionAllowed'

type Budget = policy.PodDisruptionBudget
type Status = policy.PodDisruptionBudgetStatus
type Condition = NonNullable<Status['conditions']>[number]

/** Whether the budget is a share of what its pods' owners are meant to have, and these must be asked. */
export function needsScale({ spec }: Budget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string'
}

export interface BudgetPlan {
  readonly status: Status
  /** Pods that were to be deleted and were not. */
  readonly notDeleted: readonly core.Pod[]
  /** When to look again at pods that are to be deleted. */
  readonly recheckMs: number | undefined
}

/** `scale`: how many pods the owners want; used where `needsScale` says so. */
export function planBudget(budget: Budget, pods: readonly core.Pod[], scale: number, nowMs: number): BudgetPlan {
  const { expected, desired } = wanted(budget, pods.length, scale)
  const { disruptedPods, notDeleted, recheckMs } = stillDisrupted(budget, pods, nowMs)
  const healthy = pods.filter((pod) => !isTerminating(pod) && disruptedPods[pod.metadata?.name ?? ''] === undefined && isReady(pod)).length
  // A budget without pods allows nothing: its first pods may be there before this is asked again.
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired)
  const observedGeneration = budget.metadata?.generation
  const condition = {
    type: CONDITION,
    status: allowed > 0 ? 'True' : 'False',
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  }
  const status: Status = {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: withCondition(budget.status?.conditions, condition, nowMs),
  }
  return { status, notDeleted, recheckMs }
}

/** What is not known must not be disrupted. */
export function failedStatus({ status }: Budget, message: string, nowMs: number): Status {
  const observedGeneration = status?.observedGeneration
  const condition = {
    type: CONDITION,
    status: 'False',
    reason: 'SyncFailed',
    message,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  }
  return {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...status,
    disruptionsAllowed: 0,
    conditions: withCondition(status?.conditions, condition, nowMs),
  }
}

function wanted({ spec }: Budget, pods: number, scale: number): { readonly expected: number; readonly desired: number } {
  if (spec?.maxUnavailable !== undefined)
    return { expected: scale, desired: Math.max(0, scale - resolveIntOrPercent(spec.maxUnavailable, scale, 'up')) }
  if (spec?.minAvailable === undefined) return { expected: 0, desired: 0 }
  if (typeof spec.minAvailable === 'number') return { expected: pods, desired: spec.minAvailable }
  return { expected: scale, desired: resolveIntOrPercent(spec.minAvailable, scale, 'up') }
}

function stillDisrupted(
  { status }: Budget,
  pods: readonly core.Pod[],
  nowMs: number,
): { readonly disruptedPods: Record<string, string>; readonly notDeleted: readonly core.Pod[]; readonly recheckMs: number | undefined } {
  const disruptedPods: Record<string, string> = {}
  const notDeleted: core.Pod[] = []
  let recheckMs: number | undefined
  for (const pod of pods) {
    const name = pod.metadata?.name ?? ''
    const since = status?.disruptedPods?.[name]
    if (since === undefined || isTerminating(pod)) continue
    const leftMs = Date.parse(since) + DELETION_TIMEOUT_MS - nowMs
    if (leftMs < 0) notDeleted.push(pod)
    else {
      disruptedPods[name] = since
      recheckMs = Math.min(recheckMs ?? leftMs + 1, leftMs + 1)
    }
  }
  return { disruptedPods, notDeleted, recheckMs }
}

function withCondition(before: readonly Condition[] | undefined, now: Omit<Condition, 'lastTransitionTime'>, nowMs: number): Condition[] {
  const known = before?.find(({ type }) => type === now.type)
  const lastTransitionTime = known !== undefined && known.status === now.status ? known.lastTransitionTime : rfc3339(nowMs)
  const next: Condition = { ...now, lastTransitionTime }
  return known === undefined ? [...(before ?? []), next] : (before ?? []).map((one) => (one === known ? next : one))
}
