import { rfc3339 } from '#base'
import type { batch, core } from '#api'
import { isActive, isFinished, isReady, isTerminating } from '#reconcile'
import { type FailureVerdict, judgeFailure } from './failure-policy.ts'
import { formatIndexes, parseIndexes } from './indexes.ts'
import { INDEX_FAILURES, INDEX_IGNORED_FAILURES, type IndexFailures, indexOf, isIndexed, isTracked } from './job-pod.ts'

export interface JobView {
  readonly job: batch.Job
  /** All pods that the Job manages. */
  readonly pods: readonly core.Pod[]
  readonly nowMs: number
}

export interface Verdict {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet'
  readonly reason: string
  readonly message: string
}

/** What the pods' ends amount to, before anything is done about it. */
export interface Tally {
  /** Tracked pods whose end has not been written down yet. */
  readonly newSucceeded: readonly core.Pod[]
  readonly newFailed: readonly core.Pod[]
  /** Ends that count for nothing: duplicates of an index, indexes out of range, what the failure policy ignores. */
  readonly ignored: readonly core.Pod[]
  /** Failures of which the policy says that they do not count: whoever replaces these pods waits all the same. */
  readonly excused: readonly core.Pod[]
  readonly active: readonly core.Pod[]
  readonly succeeded: number
  readonly failed: number
  readonly completed: ReadonlySet<number>
  readonly failedIndexes: ReadonlySet<number> | undefined
  readonly verdict: Verdict | undefined
}

export const conditionOf = (job: batch.Job, type: string): batch.JobCondition | undefined =>
  job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True')
export const isSuspended = (job: batch.Job): boolean => job.spec?.suspend === true
export const isJobFinished = (job: batch.Job): boolean =>
  conditionOf(job, 'Complete') !== undefined || conditionOf(job, 'Failed') !== undefined

/** Pods that are replaced only once they have failed for good; otherwise a terminating one counts as failed at once. */
const replacesOnlyFailed = (job: batch.Job): boolean => job.spec?.podReplacementPolicy === 'Failed'

function hasFailed(job: batch.Job, pod: core.Pod): boolean {
  return pod.status?.phase === 'Failed' || (!replacesOnlyFailed(job) && isTerminating(pod) && pod.status?.phase !== 'Succeeded')
}

export function tally({ job, pods, nowMs }: JobView): Tally {
  const status = job.status ?? {}
  const uncounted = new Set([...(status.uncountedTerminatedPods?.succeeded ?? []), ...(status.uncountedTerminatedPods?.failed ?? [])])
  const completions = job.spec?.completions
  const indexed = isIndexed(job)
  const completed = parseIndexes(indexed ? status.completedIndexes : '', completions)
  const perIndex = job.spec?.backoffLimitPerIndex
  const failedIndexes = perIndex === undefined ? undefined : parseIndexes(status.failedIndexes, completions)
  const succeeding = conditionOf(job, 'SuccessCriteriaMet') !== undefined

  const newSucceeded: core.Pod[] = []
  const newFailed: core.Pod[] = []
  const ignored: core.Pod[] = []
  const excused: core.Pod[] = []
  const verdicts: FailureVerdict[] = []
  for (const pod of pods) {
    if (!isTracked(pod) || uncounted.has(pod.metadata?.uid ?? '')) continue
    const index = indexOf(pod)
    if (pod.status?.phase === 'Succeeded') {
      if (!indexed) newSucceeded.push(pod)
      else if (index === undefined || index >= (completions ?? 0) || completed.has(index)) ignored.push(pod)
      else {
        completed.add(index)
        newSucceeded.push(pod)
      }
    } else if (succeeding && pod.status?.phase !== 'Failed') {
      if (isTerminating(pod)) ignored.push(pod)
    } else if (hasFailed(job, pod)) {
      const verdict = judgeFailure(job.spec?.podFailurePolicy, pod)
      verdicts.push(verdict)
      if (verdict.action === 'Ignore') excused.push(pod)
      else newFailed.push(pod)
      if (failedIndexes !== undefined && index !== undefined && index < (completions ?? 0)) {
        const before = Number(pod.metadata?.annotations?.[INDEX_FAILURES] ?? 0)
        if (verdict.action === 'FailIndex' || (verdict.action !== 'Ignore' && before >= (perIndex ?? 0))) failedIndexes.add(index)
      }
    }
  }
  const succeeded = indexed
    ? completed.size
    : (status.succeeded ?? 0) + (status.uncountedTerminatedPods?.succeeded?.length ?? 0) + newSucceeded.length
  const failed = (status.failed ?? 0) + (status.uncountedTerminatedPods?.failed?.length ?? 0) + newFailed.length
  const active = pods.filter(isActive)
  const counts = {
    newSucceeded,
    newFailed,
    ignored: [...ignored, ...excused],
    excused,
    active,
    succeeded,
    failed,
    completed,
    failedIndexes,
  }
  return { ...counts, verdict: verdictOf(job, counts, verdicts, pods, nowMs) }
}

function verdictOf(
  job: batch.Job,
  counts: Omit<Tally, 'verdict'>,
  verdicts: readonly FailureVerdict[],
  pods: readonly core.Pod[],
  nowMs: number,
): Verdict | undefined {
  for (const type of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    const decided = conditionOf(job, type)
    if (decided !== undefined) return { type, reason: decided.reason ?? '', message: decided.message ?? '' }
  }
  const fail = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message })
  const failJob = verdicts.find((verdict) => verdict.action === 'FailJob')
  if (failJob?.action === 'FailJob') return fail('PodFailurePolicy', failJob.message)

  const limit = job.spec?.backoffLimit ?? 6
  if (counts.failed > limit || restartsExceed(job, pods, limit))
    return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  if ((deadlineInMs(job, nowMs) ?? 1) <= 0) return fail('DeadlineExceeded', 'Job was active longer than specified deadline')

  const { completions, successPolicy, maxFailedIndexes } = job.spec ?? {}
  if (counts.failedIndexes !== undefined && maxFailedIndexes !== undefined && counts.failedIndexes.size > maxFailedIndexes) {
    return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  }
  if (
    counts.failedIndexes !== undefined &&
    counts.failedIndexes.size > 0 &&
    counts.succeeded + counts.failedIndexes.size >= (completions ?? 0)
  )
    return fail('FailedIndexes', 'Job has failed indexes')
  const rule = metRule(successPolicy, counts.completed, completions)
  if (isIndexed(job) && rule !== undefined)
    return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` }
  const isComplete =
    completions === undefined
      ? counts.succeeded > 0 && counts.active.length === 0
      : counts.succeeded >= completions && counts.active.length === 0
  return isComplete
    ? { type: 'SuccessCriteriaMet', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : undefined
}

/** The first rule of a success policy that is met. */
function metRule(
  policy: batch.SuccessPolicy | undefined,
  completed: ReadonlySet<number>,
  completions: number | undefined,
): number | undefined {
  for (const [i, rule] of (policy?.rules ?? []).entries()) {
    const wanted = rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes, completions)
    // Of an elastic Job that has become smaller, none of them may be left.
    if (wanted?.size === 0) continue
    const got = wanted === undefined ? completed.size : [...wanted].filter((index) => completed.has(index)).length
    if (got >= (rule.succeededCount ?? wanted?.size ?? Number.POSITIVE_INFINITY)) return i
  }
  return undefined
}

/** With restartPolicy OnFailure the kubelet restarts containers; those restarts count against the limit. */
function restartsExceed(job: batch.Job, pods: readonly core.Pod[], limit: number): boolean {
  if (job.spec?.template.spec?.restartPolicy !== 'OnFailure') return false
  let restarts = 0
  for (const pod of pods) {
    if (pod.status?.phase !== 'Running' && pod.status?.phase !== 'Pending') continue
    for (const container of [...(pod.status.initContainerStatuses ?? []), ...(pod.status.containerStatuses ?? [])])
      restarts += container.restartCount
  }
  return limit === 0 ? restarts > 0 : restarts >= limit
}

/** Milliseconds until the Job has been active for too long; undefined when there is no deadline, or it does not run. */
export function deadlineInMs(job: batch.Job, nowMs: number): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds
  const startedAt = job.status?.startTime
  if (seconds === undefined || startedAt === undefined || isSuspended(job)) return undefined
  return Date.parse(startedAt) + seconds * 1000 - nowMs
}

export interface PodWork {
  /** For an indexed Job: which; otherwise only their number matters. */
  readonly create: readonly (number | undefined)[]
  readonly remove: readonly core.Pod[]
}

/** How many pods there should be, and which have to go. */
export function planPods({ job, pods }: JobView, counts: Tally): PodWork {
  const { active } = counts
  if (isSuspended(job)) return { create: [], remove: active }
  const parallelism = job.spec?.parallelism ?? 1
  const completions = job.spec?.completions
  const open =
    completions === undefined
      ? counts.succeeded > 0
        ? active.length
        : parallelism
      : Math.max(0, completions - counts.succeeded - (counts.failedIndexes?.size ?? 0))
  const wanted = completions === undefined && counts.succeeded > 0 ? Math.min(active.length, parallelism) : Math.min(open, parallelism)
  const misplaced = isIndexed(job) ? wrongIndexes(active, completions ?? 0, counts) : []
  const kept = active.filter((pod) => !misplaced.includes(pod))
  const surplus = kept.length - wanted
  const remove = [...misplaced, ...(surplus > 0 ? [...kept].sort(leastReadyFirst).slice(0, surplus) : [])]
  const terminating =
    replacesOnlyFailed(job) || job.spec?.podFailurePolicy !== undefined
      ? pods.filter((pod) => isTerminating(pod) && !isFinished(pod)).length
      : 0
  const missing = Math.max(0, wanted - kept.length - terminating)
  return {
    create: isIndexed(job) ? freeIndexes(job, pods, kept, counts).slice(0, missing) : Array.from({ length: missing }, () => undefined),
    remove,
  }
}

/** Pods whose index is beyond the end, done already, or taken by an older pod. */
function wrongIndexes(active: readonly core.Pod[], completions: number, counts: Tally): readonly core.Pod[] {
  const taken = new Set<number>()
  return [...active]
    .sort((a, b) => ((a.metadata?.creationTimestamp ?? '') < (b.metadata?.creationTimestamp ?? '') ? -1 : 1))
    .filter((pod) => {
      const index = indexOf(pod)
      if (index === undefined || index >= completions || counts.completed.has(index) || taken.has(index)) return true
      taken.add(index)
      return false
    })
}

function freeIndexes(job: batch.Job, pods: readonly core.Pod[], kept: readonly core.Pod[], counts: Tally): number[] {
  const taken = new Set(kept.map(indexOf))
  if (replacesOnlyFailed(job)) for (const pod of pods) if (isTerminating(pod) && !isFinished(pod)) taken.add(indexOf(pod))
  const free: number[] = []
  for (let index = 0; index < (job.spec?.completions ?? 0); index++)
    if (!taken.has(index) && !counts.completed.has(index) && !counts.failedIndexes?.has(index)) free.push(index)
  return free
}

function leastReadyFirst(a: core.Pod, b: core.Pod): number {
  const rank = (pod: core.Pod): number => (pod.spec?.nodeName ? 1 : 0) + (pod.status?.phase === 'Running' ? 2 : 0) + (isReady(pod) ? 4 : 0)
  return rank(a) - rank(b) || ((a.metadata?.creationTimestamp ?? '') > (b.metadata?.creationTimestamp ?? '') ? -1 : 1)
}

/** How often an index has failed, told by its pods. */
export function failuresOfIndex(job: batch.Job, pods: readonly core.Pod[], index: number): IndexFailures {
  let failures: IndexFailures = { counted: 0, ignored: 0 }
  for (const pod of pods) {
    if (indexOf(pod) !== index || !hasFailed(job, pod)) continue
    const isIgnored = judgeFailure(job.spec?.podFailurePolicy, pod).action === 'Ignore'
    const counted = Number(pod.metadata?.annotations?.[INDEX_FAILURES] ?? 0) + (isIgnored ? 0 : 1)
    const ignored = Number(pod.metadata?.annotations?.[INDEX_IGNORED_FAILURES] ?? 0) + (isIgnored ? 1 : 0)
    if (counted + ignored > failures.counted + failures.ignored) failures = { counted, ignored }
  }
  return failures
}

/** The part of the status that follows from the pods: what is uncounted comes from elsewhere. */
export function statusCounts(job: batch.Job, counts: Tally, living: readonly core.Pod[], terminating: number): Partial<batch.JobStatus> {
  const isRunning = counts.verdict === undefined
  const active = isRunning ? living : []
  return {
    active: active.length === 0 ? undefined : active.length,
    ready: active.filter(isReady).length,
    terminating,
    ...(isIndexed(job) ? { completedIndexes: counts.completed.size === 0 ? undefined : formatIndexes(counts.completed) } : {}),
    ...(counts.failedIndexes === undefined ? {} : { failedIndexes: formatIndexes(counts.failedIndexes) }),
  }
}

/** A condition is added, or changed in place; unchanged when it says the same already. */
export function withJobCondition(
  conditions: readonly batch.JobCondition[],
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  nowMs: number,
): batch.JobCondition[] {
  const now = rfc3339(nowMs)
  const known = conditions.find((condition) => condition.type === type)
  if (known?.status === status && known.reason === reason && known.message === message) return [...conditions]
  const next: batch.JobCondition = {
    type,
    status,
    lastProbeTime: now,
    lastTransitionTime: known?.status === status ? (known.lastTransitionTime ?? now) : now,
    reason,
    message,
  }
  return known === undefined ? [...conditions, next] : conditions.map((condition) => (condition === known ? next : condition))
}
