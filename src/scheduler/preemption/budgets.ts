import { type core, labelSelectorOf, type policy } from '#api'
import type { PodInfo } from '../pod/pod-info.ts'

export interface BudgetSplit {
  readonly breaking: readonly PodInfo[]
  readonly harmless: readonly PodInfo[]
}

/** Whether removing the pods one after another, in this order, would go past what a budget still allows. */
export function splitByBudgets(pods: readonly PodInfo[], budgets: readonly policy.PodDisruptionBudget[]): BudgetSplit {
  if (budgets.length === 0) return { breaking: [], harmless: pods }
  const states = budgets.map((budget) => ({
    namespace: budget.metadata?.namespace,
    selector: isEmptySelector(budget.spec?.selector) ? undefined : labelSelectorOf(budget.spec?.selector ?? {}),
    disrupted: budget.status?.disruptedPods ?? {},
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }))
  const breaking: PodInfo[] = []
  const harmless: PodInfo[] = []
  for (const pod of pods) {
    let broken = false
    // No budget speaks of a pod without labels, not even one that selects by the absence of a label.
    for (const state of Object.keys(pod.labels).length === 0 ? [] : states) {
      if (state.namespace !== pod.namespace || state.selector?.matches(pod.labels) !== true || Object.hasOwn(state.disrupted, pod.name))
        continue
      state.allowed--
      if (state.allowed < 0) broken = true
    }
    ;(broken ? breaking : harmless).push(pod)
  }
  return { breaking, harmless }
}

const isEmptySelector = (selector: core.PodAffinityTerm['labelSelector']): boolean =>
  selector === undefined || ((selector.matchExpressions ?? []).length === 0 && Object.keys(selector.matchLabels ?? {}).length === 0)
