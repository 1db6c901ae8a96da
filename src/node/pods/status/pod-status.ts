import { rfc3339 } from '#base'
import { type core, podAmounts } from '#api'
import { type Phase, endingOf, isDone, phaseByContainers } from '../plan/ending.ts'
import type { Plan } from '../plan/action.ts'
import { type PodSnapshot, newestRun } from '../plan/snapshot.ts'
import { type AnyContainer, ephemeralContainersOf, initContainersOf, mainContainersOf, qosClassOf, specOf } from '../pod-facts.ts'
import { conditionsOf } from './conditions.ts'
import { containerStatus } from './container-status.ts'

export interface NodeFacts {
  readonly ips: readonly string[]
  /** What the runtime can do for the pod. */
  readonly recursiveReadOnlyMounts: boolean
  /** How the devices of a container are doing. */
  readonly healthOf?: (container: string) => readonly core.ResourceStatus[]
}

/** What the API is to be told of a pod: a pure function of the snapshot. Conditions of others are not in it. */
export function podStatus(snapshot: PodSnapshot, plan: Plan, node: NodeFacts): core.PodStatus {
  const { pod, memory, sandboxes } = snapshot
  const ending = endingOf(snapshot)
  const alive = snapshot.containers.some(({ state }) => state === 'running' || state === 'unknown')
  const isLeaving = ending?.kind === 'deleted' && !snapshot.needsSandboxStopped
  const stopped = !alive && (isLeaving || sandboxes.every(({ id, ready }) => !ready || memory.stoppedSandboxes.has(id)))
  const phase = phaseOf(snapshot, ending?.kind, alive, stopped)
  const context = {
    snapshot,
    plan,
    over: isDone(phase) && stopped,
    recursiveReadOnlyMounts: node.recursiveReadOnlyMounts,
    healthOf: node.healthOf,
  }
  const initStatuses = initContainersOf(pod).map((container) => containerStatus(context, container))
  const statuses = mainContainersOf(pod).map((container) => containerStatus(context, container))
  const ephemeral = (ephemeralContainersOf(pod) as readonly AnyContainer[]).map((container) => containerStatus(context, container))
  const sandbox = sandboxes[0]?.ready === true ? sandboxes[0] : undefined
  const own = sandbox === undefined ? [] : specOf(pod).hostNetwork === true ? node.ips : sandbox.ips
  // A sandbox that has ended keeps its last addresses in the status.
  const podIPs = own.length > 0 ? own.map((ip) => ({ ip })) : (pod.status?.podIPs ?? [])
  const why =
    ending?.reason !== undefined && isDone(phase)
      ? { reason: ending.reason, ...(ending.message === undefined ? {} : { message: ending.message }) }
      : keptReason(pod)
  return {
    ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    ...why,
    conditions: conditionsOf({
      snapshot,
      phase,
      initStatuses,
      statuses,
      networkReady: sandbox !== undefined && own.length > 0 && !stopped && !memory.stoppedSandboxes.has(sandbox.id),
    }),
    ...(node.ips[0] === undefined ? {} : { hostIP: node.ips[0], hostIPs: node.ips.map((ip) => ({ ip })) }),
    ...(podIPs[0]?.ip === undefined ? {} : { podIP: podIPs[0].ip, podIPs }),
    startTime: pod.status?.startTime ?? rfc3339(memory.startedAtMs),
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: qosClassOf(pod),
    ...wholeResources(pod, memory.actuatedPod),
  }
}

/** What the pod as a whole was granted, and what it has. */
function wholeResources(
  pod: core.Pod,
  actuated: core.ResourceRequirements | undefined,
): Pick<core.PodStatus, 'resources' | 'allocatedResources'> {
  const { spec } = pod
  const allocated = podAmounts(spec, 'requests')
  const has = spec === undefined || actuated === undefined ? spec : { ...spec, resources: actuated }
  const [requests, limits] = [podAmounts(has, 'requests'), podAmounts(has, 'limits')]
  return {
    ...(Object.keys(allocated).length === 0 ? {} : { allocatedResources: allocated }),
    resources: {
      ...(Object.keys(limits).length === 0 ? {} : { limits }),
      ...(Object.keys(requests).length === 0 ? {} : { requests }),
    },
  }
}

/** The reason of a pod that has failed before this agent's time stays. */
function keptReason(pod: core.Pod): Pick<core.PodStatus, 'reason' | 'message'> {
  if (!isDone(pod.status?.phase)) return {}
  const { reason, message } = pod.status ?? {}
  return { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) }
}

/** A pod is not over before its last process is, sidecars included. */
function phaseOf(snapshot: PodSnapshot, ending: string | undefined, alive: boolean, stopped: boolean): Phase {
  const told = snapshot.pod.status?.phase
  if (told === 'Succeeded' || told === 'Failed') return told
  const phase = phaseByContainers(snapshot)
  if (alive && (isDone(phase) || ending === 'ended')) return told === 'Pending' ? 'Pending' : 'Running'
  if (ending === 'ended') return 'Failed'
  // Nothing of it will run again, whatever its restart policy says.
  if (ending === 'deleted' && stopped && !isDone(phase)) {
    const main = mainContainersOf(snapshot.pod).map(({ name }) => newestRun(snapshot, name))
    return main.every((run) => run?.state === 'exited' && run.exitCode === 0) ? 'Succeeded' : 'Failed'
  }
  return phase
}
