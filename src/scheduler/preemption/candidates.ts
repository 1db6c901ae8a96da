import type { NodeState } from '../cluster/node-state.ts'
import type { PodInfo } from '../pod/pod-info.ts'

/** Pods that would have to leave one node. */
export interface Candidate {
  readonly node: NodeState
  /** Highest priority first. */
  readonly victims: readonly PodInfo[]
  readonly brokenBudgets: number
}

/** `pods` of a node as they came: the most important first. Of those that have not started, and so have all run for no time, the last that came. */
export function inImportance(pods: readonly PodInfo[]): PodInfo[] {
  const hasStarted = ({ pod }: PodInfo): boolean => pod.status?.startTime !== undefined
  return [...pods.filter(hasStarted), ...pods.filter((pod) => !hasStarted(pod)).reverse()].sort(byImportance)
}

/** Higher priority first, then those that have run longer. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  const [one, other] = [startOf(a), startOf(b)]
  return one < other ? -1 : one > other ? 1 : 0
}

/** Times of one form are in the order of their text; what has not started comes last. */
const startOf = (pod: PodInfo): string => pod.pod.status?.startTime ?? '9999'

const PRIORITY_OFFSET = 2 ** 31

/** Least harm: broken budgets, then the highest priority among the victims, then the sum of priorities, then how many, then who started last. */
export function bestCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined
  for (const candidate of candidates) if (best === undefined || isLessHarm(candidate, best)) best = candidate
  return best
}

function isLessHarm(a: Candidate, b: Candidate): boolean {
  if (a.brokenBudgets !== b.brokenBudgets) return a.brokenBudgets < b.brokenBudgets
  const [one, other] = [topPriority(a), topPriority(b)]
  if (one !== other) return one < other
  const [sum, otherSum] = [sumOfPriorities(a), sumOfPriorities(b)]
  if (sum !== otherSum) return sum < otherSum
  if (a.victims.length !== b.victims.length) return a.victims.length < b.victims.length
  return earliestStartOfTop(a) > earliestStartOfTop(b)
}

const topPriority = ({ victims }: Candidate): number => victims[0]?.priority ?? -Infinity

function sumOfPriorities({ victims }: Candidate): number {
  let sum = 0
  for (const { priority } of victims) sum += priority + PRIORITY_OFFSET
  return sum
}

function earliestStartOfTop(candidate: Candidate): string {
  const top = topPriority(candidate)
  let earliest = '9999'
  for (const victim of candidate.victims) if (victim.priority === top && startOf(victim) < earliest) earliest = startOf(victim)
  return earliest
}
