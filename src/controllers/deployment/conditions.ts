import { rfc3339 } from '#base'
import type { apps } from '#api'

export type Conditions = readonly apps.DeploymentCondition[]

export interface NewCondition {
  readonly type: 'Available' | 'Progressing' | 'ReplicaFailure'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

export function conditionOf(conditions: Conditions | undefined, type: NewCondition['type']): apps.DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type)
}

export function withoutCondition(conditions: Conditions, type: NewCondition['type']): Conditions {
  return conditions.filter((condition) => condition.type !== type)
}

/** The same status and reason leaves the condition as it is, message and times included. */
export function withCondition(conditions: Conditions, added: NewCondition, nowMs: number): Conditions {
  const known = conditionOf(conditions, added.type)
  if (known?.status === added.status && known.reason === added.reason) return conditions
  return [...withoutCondition(conditions, added.type), stamped(added, known, nowMs)]
}

/** As `withCondition`, but the message and the update time are new even when status and reason are not. */
export function withRenewed(conditions: Conditions, added: NewCondition, nowMs: number): Conditions {
  return [...withoutCondition(conditions, added.type), stamped(added, conditionOf(conditions, added.type), nowMs)]
}

function stamped(added: NewCondition, known: apps.DeploymentCondition | undefined, nowMs: number): apps.DeploymentCondition {
  const now = rfc3339(nowMs)
  return {
    type: added.type,
    status: added.status,
    lastUpdateTime: now,
    lastTransitionTime: known?.status === added.status ? (known.lastTransitionTime ?? now) : now,
    reason: added.reason,
    message: added.message,
  }
}
