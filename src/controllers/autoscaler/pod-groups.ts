import { type core, quantityMilli } from '#api'
import { isReady, podCondition } from '#reconcile'

/** One pod's sample, in thousandths. */
export interface PodMetric {
  readonly atMs: number
  readonly windowMs: number
  readonly milli: number
}
export type PodMetrics = ReadonlyMap<string, PodMetric>

export interface Patience {
  /** Processor samples of a pod that has started less than this ago count only while it is ready. Default 5 min. */
  readonly cpuInitializationMs: number
  /** A pod that became unready within this time of its start has never been ready. Default 30 s. */
  readonly initialReadinessMs: number
}

export interface PodGroups {
  readonly readyCount: number
  /** Pending, or too young for their samples to mean anything. */
  readonly unready: readonly string[]
  readonly missing: readonly string[]
  /** Samples of pods that count: neither going, failed nor unready. */
  readonly counted: Map<string, number>
}

/** Sorts pods by what their samples are worth. */
export function groupPods(pods: readonly core.Pod[], metrics: PodMetrics, isCpu: boolean, patience: Patience, nowMs: number): PodGroups {
  const unready: string[] = []
  const missing: string[] = []
  const left = new Set<string>()
  let readyCount = 0
  for (const pod of pods) {
    const name = pod.metadata?.name ?? ''
    const metric = metrics.get(name)
    if (pod.metadata?.deletionTimestamp !== undefined || pod.status?.phase === 'Failed') left.add(name)
    else if (pod.status?.phase === 'Pending' || (metric !== undefined && isCpu && isImmature(pod, metric, patience, nowMs))) {
      unready.push(name)
      left.add(name)
    } else if (metric === undefined) missing.push(name)
    else readyCount++
  }
  const counted = new Map<string, number>()
  for (const [name, { milli }] of metrics) if (!left.has(name)) counted.set(name, milli)
  return { readyCount, unready, missing, counted }
}

function isImmature(pod: core.Pod, metric: PodMetric, patience: Patience, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready')
  const startedMs = Date.parse(pod.status?.startTime ?? '')
  if (ready === undefined || Number.isNaN(startedMs)) return true
  const changedMs = Date.parse(ready.lastTransitionTime ?? '') || 0
  return startedMs + patience.cpuInitializationMs > nowMs
    ? ready.status === 'False' || metric.atMs < changedMs + metric.windowMs
    : ready.status === 'False' && startedMs + patience.initialReadinessMs > changedMs
}

export function readyPods(pods: readonly core.Pod[]): number {
  return pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length
}

/** What each pod asks of a resource, in thousandths: of one container, of the pod itself, or of all its containers. Throws when one asks nothing. */
export function requestsOf(pods: readonly core.Pod[], container: string, resource: string): ReadonlyMap<string, number> {
  return new Map(pods.map((pod) => [pod.metadata?.name ?? '', requestOf(pod, container, resource)]))
}

const POD_LEVEL = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

function requestOf(pod: core.Pod, container: string, resource: string): number {
  const name = pod.metadata?.name ?? ''
  const own = pod.spec?.resources?.requests
  const running = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ]
  if (container === '' && own !== undefined && Object.keys(own).some(POD_LEVEL) && own[resource] !== undefined)
    return quantityMilli(own[resource])
  const chosen = container === '' ? running : running.filter((one) => one.name === container)
  if (container !== '' && chosen.length === 0) throw new Error(`container ${container} not found in Pod ${name}`)
  let sum = 0
  for (const one of chosen) {
    const request = one.resources?.requests?.[resource]
    if (request === undefined) throw new Error(`missing request for ${resource} in container ${one.name} of Pod ${name}`)
    sum += quantityMilli(request)
  }
  return sum
}
