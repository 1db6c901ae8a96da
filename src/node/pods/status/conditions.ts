import { rfc3339 } from '#base'
import type { core } from '#api'
import { RESTARTING_ALL, canRestartAll, isRestartingAll } from '../plan/restart-all.ts'
import type { PodSnapshot } from '../plan/snapshot.ts'
import { initContainersOf, isSidecar, mainContainersOf, specOf } from '../pod-facts.ts'

interface Verdict {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason?: string
  readonly message?: string
  /** Of the pod that it is about; default: as it is now. One of `null` says it of none. */
  readonly generation?: number | null | undefined
}
export interface ConditionFacts {
  readonly snapshot: PodSnapshot
  readonly phase: string
  readonly initStatuses: readonly core.ContainerStatus[]
  readonly statuses: readonly core.ContainerStatus[]
  readonly networkReady: boolean
}

/** Of the node agent's conditions those that are there only while something goes on. */
export const PASSING_CONDITIONS = ['PodResizePending', 'PodResizeInProgress'] as const

/** The conditions that the node agent owns, in Kubernetes' order and words. Those of others are left to them. */
export function conditionsOf(facts: ConditionFacts): core.PodCondition[] {
  const { snapshot } = facts
  const containersReady = containersReadyOf(facts)
  const verdicts: Verdict[] = [
    { type: 'PodReadyToStartContainers', status: facts.networkReady ? 'True' : 'False' },
    initializedOf(facts),
    readyOf(facts, containersReady),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ]
  if (canRestartAll(snapshot.pod)) verdicts.push(restartingOf(facts))
  const disruption = snapshot.memory.ended?.disruption
  if (disruption !== undefined)
    verdicts.push({ type: 'DisruptionTarget', status: 'True', reason: disruption, message: snapshot.memory.ended?.message ?? '' })
  const { pending, inProgress } = snapshot.memory.resize
  if (pending !== undefined) verdicts.push({ type: 'PodResizePending', status: 'True', ...pending })
  if (inProgress !== undefined)
    verdicts.push({
      type: 'PodResizeInProgress',
      status: 'True',
      ...(inProgress.error === undefined ? {} : { reason: 'Error', message: inProgress.error }),
      generation: inProgress.generation,
    })
  return verdicts.map((verdict) => condition(snapshot, verdict))
}

function condition(
  { pod, now }: PodSnapshot,
  { type, status, reason, message, generation = pod.metadata?.generation }: Verdict,
): core.PodCondition {
  const before = pod.status?.conditions?.find((one) => one.type === type)
  const since = before?.status === status ? before.lastTransitionTime : rfc3339(now)
  return {
    type,
    ...(generation === undefined || generation === null ? {} : { observedGeneration: generation }),
    status,
    lastProbeTime: null,
    lastTransitionTime: since ?? rfc3339(now),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  }
}

const list = (names: readonly string[]): string => `[${names.join(' ')}]`

function initializedOf({ snapshot, phase, initStatuses, statuses }: ConditionFacts): Verdict {
  const { pod } = snapshot
  const began = statuses.some(
    ({ state, lastState }) =>
      state?.running !== undefined || typeof state?.terminated?.startedAt === 'string' || lastState?.terminated !== undefined,
  )
  const incomplete = initContainersOf(pod).filter((container) => {
    const status = initStatuses.find(({ name }) => name === container.name)
    return isSidecar(pod, container) ? status?.started !== true : status?.ready !== true
  })
  if (phase === 'Succeeded') return { type: 'Initialized', status: 'True', reason: 'PodCompleted' }
  if (began || incomplete.length === 0) return { type: 'Initialized', status: 'True' }
  return {
    type: 'Initialized',
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: ${list(incomplete.map(({ name }) => name))}`,
  }
}

function containersReadyOf({ snapshot, phase, initStatuses, statuses }: ConditionFacts): Verdict {
  const type = 'ContainersReady'
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' }
  const sidecars = initContainersOf(snapshot.pod).filter((container) => isSidecar(snapshot.pod, container))
  const all = [...initStatuses, ...statuses]
  const unready = [...sidecars, ...mainContainersOf(snapshot.pod)].filter(
    ({ name }) => all.find((status) => status.name === name)?.ready !== true,
  )
  if (unready.length === 0) return { type, status: 'True' }
  return {
    type,
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: ${list(unready.map(({ name }) => name))}`,
  }
}

function restartingOf({ snapshot, phase }: ConditionFacts): Verdict {
  const no: Verdict = { type: RESTARTING_ALL.condition, status: 'False', generation: null }
  if (phase === 'Succeeded') return { ...no, reason: 'PodCompleted' }
  if (phase === 'Failed') return { ...no, reason: 'PodFailed' }
  if (!isRestartingAll(snapshot)) return no
  return { ...no, status: 'True', reason: 'RestartAllContainersStarted', message: 'container exited with restart policy rule' }
}

function readyOf({ snapshot }: ConditionFacts, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' }
  const missing = (specOf(snapshot.pod).readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = snapshot.pod.status?.conditions?.find(({ type }) => type === conditionType)
    if (gate === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    return gate.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`]
  })
  if (missing.length === 0) return { type: 'Ready', status: 'True' }
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(', ') }
}

/** The pod with the status that the node last gave it; conditions of others as the API has them. */
export function withStatus(pod: core.Pod, reported: core.PodStatus | undefined): core.Pod {
  if (reported === undefined) return pod
  const mine = new Set([...PASSING_CONDITIONS, ...(reported.conditions ?? []).map(({ type }) => type)])
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !mine.has(type))
  return { ...pod, status: { ...pod.status, ...reported, conditions: [...(reported.conditions ?? []), ...others] } }
}
