import type { core } from '#api'
import { type Patience, type PodMetrics, groupPods, readyPods, requestsOf } from './pod-groups.ts'

export interface Tolerances {
  readonly up: number
  readonly down: number
}

/** What a metric says: how many replicas it takes, and what was measured. */
export interface Proposal {
  readonly replicas: number
  /** In thousandths; the average over pods where there are several. */
  readonly milli: number
  /** In percent of the request. */
  readonly utilization?: number
}

export interface Target {
  readonly pods: readonly core.Pod[]
  readonly specReplicas: number
  readonly statusReplicas: number
  readonly tolerances: Tolerances
  readonly patience: Patience
  readonly nowMs: number
}

const MOST = 2_147_483_647
const atMost = (replicas: number): number => Math.min(Math.ceil(replicas), MOST)
const isWithin = ({ up, down }: Tolerances, ratio: number): boolean => 1 - down <= ratio && ratio <= 1 + up

const NO_PODS = 'no pods returned by selector while calculating replica count'
const NO_SAMPLES = 'did not receive metrics for targeted pods (pods might be unready)'

interface Measured {
  readonly ratio: number
  readonly milli: number
  readonly utilization?: number
}

/**
 * Replicas for samples of pods. Pods without a sample count cautiously: as being on target when that hinders shrinking, as idle when that hinders
 * growing; so do unready pods while growing. A correction that would turn the direction changes nothing.
 */
function replicasForPods(
  target: Target,
  metrics: PodMetrics,
  isCpu: boolean,
  measure: (samples: ReadonlyMap<string, number>) => Measured,
  onTarget: (pod: string) => number,
): Proposal {
  const { pods, specReplicas, tolerances } = target
  if (pods.length === 0) throw new Error(NO_PODS)
  const { readyCount, unready, missing, counted } = groupPods(pods, metrics, isCpu, target.patience, target.nowMs)
  if (counted.size === 0) throw new Error(NO_SAMPLES)
  const { ratio, milli, utilization } = measure(counted)
  const answer = (replicas: number): Proposal => ({ replicas, milli, ...(utilization === undefined ? {} : { utilization }) })
  const growsWithUnready = unready.length > 0 && ratio > 1
  if (!growsWithUnready && missing.length === 0) return answer(isWithin(tolerances, ratio) ? specReplicas : atMost(ratio * readyCount))

  if (ratio !== 1) for (const pod of missing) counted.set(pod, ratio < 1 ? onTarget(pod) : 0)
  if (growsWithUnready) for (const pod of unready) counted.set(pod, 0)
  const { ratio: corrected } = measure(counted)
  const turns = (ratio < 1 && corrected > 1) || (ratio > 1 && corrected < 1)
  if (isWithin(tolerances, corrected) || turns) return answer(specReplicas)
  const replicas = atMost(corrected * counted.size)
  const overshoots = (corrected < 1 && replicas > specReplicas) || (corrected > 1 && replicas < specReplicas)
  return answer(overshoots ? specReplicas : replicas)
}

/** A share of what the pods ask for. */
export function replicasForUtilization(
  target: Target,
  metrics: PodMetrics,
  resource: string,
  container: string,
  wantedPercent: number,
): Proposal {
  let requests: ReadonlyMap<string, number> | undefined
  const measure = (samples: ReadonlyMap<string, number>): Measured => {
    requests ??= requestsOf(target.pods, container, resource)
    let used = 0
    let asked = 0
    let count = 0
    for (const [pod, milli] of samples) {
      const request = requests.get(pod)
      if (request === undefined) continue
      used += milli
      asked += request
      count++
    }
    if (asked === 0) throw new Error('no metrics returned matched known pods')
    const utilization = Math.trunc((used * 100) / asked)
    return { ratio: utilization / wantedPercent, milli: Math.trunc(used / count), utilization }
  }
  const fallback = Math.max(100, wantedPercent)
  const onTarget = (pod: string): number => Math.trunc(((requests?.get(pod) ?? 0) * fallback) / 100)
  return replicasForPods(target, metrics, resource === 'cpu', measure, onTarget)
}

/** An amount for each pod. */
export function replicasForAverage(target: Target, metrics: PodMetrics, isCpu: boolean, wantedMilli: number): Proposal {
  const measure = (samples: ReadonlyMap<string, number>): Measured => {
    let used = 0
    for (const milli of samples.values()) used += milli
    const average = Math.trunc(used / samples.size)
    return { ratio: average / wantedMilli, milli: average }
  }
  return replicasForPods(target, metrics, isCpu, measure, () => wantedMilli)
}

/** One value for all together, shared by the pods that are ready. */
export function replicasForValue(target: Target, milli: number, wantedMilli: number): Proposal {
  const ratio = milli / wantedMilli
  if (target.specReplicas === 0) return { replicas: atMost(ratio), milli }
  if (isWithin(target.tolerances, ratio)) return { replicas: target.specReplicas, milli }
  if (target.pods.length === 0) throw new Error(`unable to calculate ready pods: ${NO_PODS}`)
  return { replicas: atMost(ratio * readyPods(target.pods)), milli }
}

/** One value for all together, of which each pod takes a part. */
export function replicasForValuePerPod(target: Target, milli: number, wantedMilli: number): Proposal {
  const { statusReplicas } = target
  const isFine = isWithin(target.tolerances, milli / (wantedMilli * statusReplicas))
  return {
    replicas: isFine ? statusReplicas : atMost(milli / wantedMilli),
    milli: statusReplicas === 0 ? milli : Math.ceil(milli / statusReplicas),
  }
}
