import type { apps } from '#api'
import { unlessZero } from '#reconcile'
import { type Conditions, conditionOf, withCondition, withRenewed, withoutCondition } from './conditions.ts'
import { allowanceOf, availableOf, nameOf, replicasOf, sumOf } from './replica-sets.ts'

/** The value of progressDeadlineSeconds that means none. */
const NO_DEADLINE = 2 ** 31 - 1

export function hasDeadline(deployment: apps.Deployment): boolean {
  const seconds = deployment.spec?.progressDeadlineSeconds
  return seconds !== undefined && seconds !== NO_DEADLINE
}

/** Counts and availability. The other conditions stay as they are in `conditions`. */
export function planStatus(
  deployment: apps.Deployment,
  all: readonly apps.ReplicaSet[],
  newSet: apps.ReplicaSet | undefined,
  conditions: Conditions,
  nowMs: number,
): apps.DeploymentStatus {
  const available = sumOf(all, availableOf)
  const enough = available >= replicasOf(deployment) - allowanceOf(deployment).unavailable
  const next = withCondition(
    conditions,
    enough
      ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    nowMs,
  )
  return {
    observedGeneration: deployment.metadata?.generation ?? 0,
    replicas: unlessZero(sumOf(all, (set) => set.status?.replicas)),
    updatedReplicas: unlessZero(newSet?.status?.replicas ?? 0),
    readyReplicas: unlessZero(sumOf(all, (set) => set.status?.readyReplicas)),
    availableReplicas: unlessZero(available),
    unavailableReplicas: unlessZero(Math.max(0, sumOf(all, replicasOf) - available)),
    terminatingReplicas: sumOf(all, (set) => set.status?.terminatingReplicas),
    conditions: [...next],
    ...(deployment.status?.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
  }
}

export function isComplete(deployment: apps.Deployment, status: apps.DeploymentStatus): boolean {
  const wanted = replicasOf(deployment)
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  )
}

function isProgressing(before: apps.DeploymentStatus, now: apps.DeploymentStatus): boolean {
  const oldOf = (status: apps.DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldOf(now) < oldOf(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

/** Milliseconds until the rollout is late; negative when it is; undefined when nothing is awaited. */
function deadlineInMs(deployment: apps.Deployment, conditions: Conditions, nowMs: number): number | undefined {
  const progressing = conditionOf(conditions, 'Progressing')
  if (progressing === undefined || !hasDeadline(deployment) || progressing.reason === 'NewReplicaSetAvailable') return undefined
  if (progressing.reason === 'ProgressDeadlineExceeded') return -1
  return Date.parse(progressing.lastUpdateTime ?? '') + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000 - nowMs
}

export interface RolloutStatus {
  readonly status: apps.DeploymentStatus
  /** When to look again, should nothing happen until then. */
  readonly lookAgainInMs: number | undefined
}

/** The status in the course of a rollout: counts, progress and its deadline, what the ReplicaSets could not do. */
export function planRolloutStatus(
  deployment: apps.Deployment,
  all: readonly apps.ReplicaSet[],
  newSet: apps.ReplicaSet | undefined,
  conditions: Conditions,
  nowMs: number,
): RolloutStatus {
  const before = deployment.status ?? {}
  const status = planStatus(deployment, all, newSet, conditions, nowMs)
  const subject = newSet === undefined ? `Deployment "${nameOf(deployment)}"` : `ReplicaSet "${nameOf(newSet)}"`
  let next: Conditions = status.conditions ?? []
  if (!hasDeadline(deployment)) next = withoutCondition(next, 'Progressing')
  else {
    const current = conditionOf(next, 'Progressing')
    const wasComplete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable'
    if (!wasComplete) {
      if (isComplete(deployment, status)) {
        next = withCondition(
          next,
          { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: `${subject} has successfully progressed.` },
          nowMs,
        )
      } else if (isProgressing(before, status)) {
        next = withRenewed(
          next,
          { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` },
          nowMs,
        )
      } else if ((deadlineInMs(deployment, next, nowMs) ?? 0) < 0) {
        next = withCondition(
          next,
          { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: `${subject} has timed out progressing.` },
          nowMs,
        )
      }
    }
  }
  const failed = [...(newSet === undefined ? [] : [newSet]), ...all]
    .map((set) => set.status?.conditions?.find((condition) => condition.type === 'ReplicaFailure'))
    .find((condition) => condition !== undefined)
  next =
    failed === undefined
      ? withoutCondition(next, 'ReplicaFailure')
      : withCondition(
          next,
          {
            type: 'ReplicaFailure',
            status: failed.status === 'True' ? 'True' : 'False',
            reason: failed.reason ?? '',
            message: failed.message ?? '',
          },
          nowMs,
        )
  const waitMs = isComplete(deployment, status) ? undefined : deadlineInMs(deployment, next, nowMs)
  return { status: { ...status, conditions: [...next] }, lookAgainInMs: waitMs === undefined || waitMs < 0 ? undefined : waitMs + 1000 }
}
