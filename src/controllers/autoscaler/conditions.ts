import { rfc3339 } from '#base'
import type { autoscaling } from '#api'

export type Condition = autoscaling.HorizontalPodAutoscalerCondition
export interface NewCondition {
  readonly type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited'
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

/** Each keeps its place, and its time as long as its status stays. */
export function withCondition(conditions: readonly Condition[], added: NewCondition, nowMs: number): readonly Condition[] {
  const known = conditions.find(({ type }) => type === added.type)
  const next: Condition = {
    ...added,
    lastTransitionTime: known?.status === added.status ? (known.lastTransitionTime ?? rfc3339(nowMs)) : rfc3339(nowMs),
  }
  return known === undefined ? [...conditions, next] : conditions.map((condition) => (condition === known ? next : condition))
}
