import type { core } from '#api'
import type { ContainerView, ProbeResults } from './plan/snapshot.ts'
import { findContainer } from './pod-facts.ts'
import type { PodSubject } from './pod-subject.ts'

const NOT_PROBED: ProbeResults = { startup: 'unknown', readiness: 'unknown', liveness: 'unknown' }

/** Probes exactly the running containers whose hooks are done, until the pod ends. `adopted` ran before this agent did. */
export function followProbes(
  { pod, podIps, memory, services }: PodSubject,
  containers: readonly ContainerView[],
  adopted: ReadonlySet<string>,
  onResults: () => void,
): void {
  const live = new Set<string>()
  const ending = memory.endingSinceMs !== undefined
  for (const status of containers) {
    const container = findContainer(pod, status.name)
    if (container === undefined || status.state !== 'running' || memory.starting.has(status.id)) continue
    if (container.livenessProbe === undefined && container.readinessProbe === undefined && container.startupProbe === undefined) continue
    live.add(status.id)
    if (memory.probes.has(status.id) || ending) continue
    const isAdopted = adopted.has(status.id)
    const initial = isAdopted ? resultsFromApi(pod, status.name) : NOT_PROBED
    memory.probes.set(status.id, initial)
    const target = {
      pod,
      container,
      containerId: status.id,
      podIp: podIps[0] ?? '',
      startedAtMs: status.startedAtMs,
      adopted: isAdopted,
      initial,
    }
    services.probes.start(target, (results) => {
      memory.probes.set(status.id, results)
      onResults()
    })
  }
  for (const id of memory.probes.keys()) {
    if (live.has(id)) continue
    services.probes.stop(id)
    memory.probes.delete(id)
  }
}

/** A container that was ready before the agent was restarted is ready until a probe says otherwise. */
function resultsFromApi({ status }: core.Pod, name: string): ProbeResults {
  const told = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find((one) => one.name === name)
  return {
    startup: told?.started === true ? 'success' : 'unknown',
    readiness: told?.ready === true ? 'success' : 'unknown',
    liveness: 'unknown',
  }
}
