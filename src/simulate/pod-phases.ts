import { rfc3339 } from '#base'
import type { core } from '#api'

export type PodStep =
  | { readonly do: 'status'; readonly status: core.PodStatus }
  /** It is to be looked at again then. */
  | { readonly do: 'wait'; readonly untilMs: number }
  | { readonly do: 'remove' }

export interface PodFacts {
  readonly nowMs: number
  /** How long the pods of Jobs run. */
  readonly jobMs: number
  /** Asked for once, when the pod gets its address. */
  readonly address: () => string
}

/**
 * The next step in the life of a pod on a simulated node: it starts at once, ends when it belongs to a Job, and goes when it is deleted. Who took its node
 * for dead has said that it is not ready: as a kubelet would, the node says again how it is.
 */
export function nextStep(pod: core.Pod, facts: PodFacts): PodStep | undefined {
  if (pod.metadata?.deletionTimestamp !== undefined) return { do: 'remove' }
  const phase = pod.status?.phase ?? 'Pending'
  if (phase === 'Pending') return { do: 'status', status: running(pod, facts) }
  if (phase !== 'Running') return undefined
  if (isMisjudged(pod)) return { do: 'status', status: { conditions: judged(pod, facts.nowMs) } }
  if (!endsByItself(pod)) return undefined
  const untilMs = (Date.parse(pod.status?.startTime ?? '') || 0) + facts.jobMs
  return untilMs > facts.nowMs ? { do: 'wait', untilMs } : { do: 'status', status: succeeded(pod, facts.nowMs) }
}

const endsByItself = ({ metadata, spec }: core.Pod): boolean =>
  spec?.restartPolicy !== 'Always' &&
  metadata?.ownerReferences?.some(({ kind, controller }) => kind === 'Job' && controller === true) === true

/** What all containers are is said by the node alone, and of them nobody but the owners of its gates can say that the pod is not ready. */
const OF_THE_NODE: ReadonlySet<string> = new Set(['ContainersReady', 'Ready'])

function isMisjudged({ spec, status }: core.Pod): boolean {
  const isTrue = (type: string): boolean => status?.conditions?.some((one) => one.type === type && one.status === 'True') === true
  return (
    status?.conditions?.some((one) => OF_THE_NODE.has(one.type) && one.status !== 'True') === true &&
    (spec?.readinessGates ?? []).every(({ conditionType }) => isTrue(conditionType))
  )
}

function judged({ status }: core.Pod, nowMs: number): core.PodCondition[] {
  return (status?.conditions ?? []).map((one) => {
    if (!OF_THE_NODE.has(one.type) || one.status === 'True') return one
    const { reason: _reason, message: _message, ...rest } = one
    return { ...rest, status: 'True', lastTransitionTime: rfc3339(nowMs) }
  })
}

function conditions(pod: core.Pod, isUp: boolean, nowMs: number): core.PodCondition[] {
  const now = rfc3339(nowMs)
  const before = new Map((pod.status?.conditions ?? []).map((condition) => [condition.type, condition]))
  const gates = (pod.spec?.readinessGates ?? []).map(({ conditionType }) => conditionType)
  const all: core.PodCondition[] = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled', ...gates].map(
    (type) => {
      const known = before.get(type)
      const isTrue = isUp || type === 'Initialized' || type === 'PodScheduled'
      const status = isTrue ? 'True' : 'False'
      return {
        type,
        status,
        lastProbeTime: null,
        lastTransitionTime: known?.status === status ? (known.lastTransitionTime ?? now) : now,
        ...(isTrue ? {} : { reason: 'PodCompleted' }),
      }
    },
  )
  return [...all, ...[...before.values()].filter(({ type }) => !all.some((one) => one.type === type))]
}

type Named = Pick<core.Container, 'name' | 'image'>

function containerStatus({ name, image }: Named, isReady: boolean, state: core.ContainerState, isStarted: boolean): core.ContainerStatus {
  return {
    name,
    image: image ?? '',
    imageID: '',
    containerID: `simulated://${name}`,
    ready: isReady,
    started: isStarted,
    restartCount: 0,
    state,
  }
}

const ended = (at: string): core.ContainerState => ({ terminated: { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at } })

function running(pod: core.Pod, { nowMs, address }: PodFacts): core.PodStatus {
  const now = rfc3339(nowMs)
  const ip = address()
  const up: core.ContainerState = { running: { startedAt: now } }
  const inits = pod.spec?.initContainers ?? []
  return {
    phase: 'Running',
    startTime: now,
    podIP: ip,
    podIPs: [{ ip }],
    conditions: conditions(pod, true, nowMs),
    containerStatuses: (pod.spec?.containers ?? []).map((one) => containerStatus(one, true, up, true)),
    ...(inits.length === 0
      ? {}
      : {
          initContainerStatuses: inits.map((one) =>
            one.restartPolicy === 'Always' ? containerStatus(one, true, up, true) : containerStatus(one, true, ended(now), false),
          ),
        }),
  }
}

function succeeded(pod: core.Pod, nowMs: number): core.PodStatus {
  const now = rfc3339(nowMs)
  const finished = (status: core.ContainerStatus): core.ContainerStatus => {
    const startedAt = status.state?.running?.startedAt ?? now
    return {
      ...status,
      ready: false,
      started: false,
      state:
        status.state?.terminated === undefined
          ? { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: now } }
          : status.state,
    }
  }
  return {
    phase: 'Succeeded',
    conditions: conditions(pod, false, nowMs),
    containerStatuses: (pod.status?.containerStatuses ?? []).map(finished),
  }
}
