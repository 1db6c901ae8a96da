import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { Job, JobStatus } from '../../types/batch-v1.gen.ts'
import { STATUS, validateCounts } from '../../workloads/workload.ts'
import { countIndexes, firstOverlap } from './indexes.ts'

const CONDITIONS = STATUS.child('conditions')
const COUNTS = ['active', 'succeeded', 'failed', 'ready', 'terminating']

type ConditionType = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet' | 'Suspended'

export function hasCondition({ status }: Job, type: ConditionType): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true
}

/** A Job's controller is free to exchange, so the server holds it to what others read from a Job's status: of the parts that it changes. */
export function validateJobStatus(job: Job, old: Job, errors: FieldErrors): void {
  const status = job.status ?? {}
  validateCounts({ ...status }, COUNTS, STATUS, errors)
  validateUncounted(status, errors)
  validateOutcome(job, old, errors)
  validateProgress(job, old, errors)
}

function validateUncounted({ uncountedTerminatedPods: uncounted }: JobStatus, errors: FieldErrors): void {
  const seen = new Set<string>()
  const check = (uids: readonly string[] | undefined, path: Path): void =>
    uids?.forEach((uid, at) => {
      if (uid === '') errors.push(fieldError.invalid(path.index(at), uid, 'must not be empty'))
      else if (seen.has(uid)) errors.push(fieldError.duplicate(path.index(at), uid))
      seen.add(uid)
    })
  const path = STATUS.child('uncountedTerminatedPods')
  check(uncounted?.succeeded, path.child('succeeded'))
  check(uncounted?.failed, path.child('failed'))
}

type Part = keyof JobStatus | ConditionType | 'finished'

const PARTS: readonly (keyof JobStatus)[] = [
  'active',
  'completedIndexes',
  'completionTime',
  'failedIndexes',
  'ready',
  'startTime',
  'terminating',
  'uncountedTerminatedPods',
]

const isFinished = (job: Job): boolean => hasCondition(job, 'Complete') || hasCondition(job, 'Failed')

/** What of the status says something else than before. */
function changedParts(job: Job, old: Job): ReadonlySet<Part> {
  const changed = new Set<Part>()
  for (const part of PARTS) if (!sameValue(part, job.status?.[part], old.status?.[part])) changed.add(part)
  for (const type of ['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet'] as const)
    if (hasCondition(job, type) !== hasCondition(old, type)) changed.add(type)
  if (isFinished(job) !== isFinished(old)) changed.add('finished')
  return changed
}

function sameValue(part: keyof JobStatus, now: unknown, before: unknown): boolean {
  if (part === 'active') return (now ?? 0) === (before ?? 0)
  if (part === 'completedIndexes') return (now ?? '') === (before ?? '')
  return deepEqual(now, before)
}

function validateOutcome(job: Job, old: Job, errors: FieldErrors): void {
  const { spec, status = {} } = job
  const changed = changedParts(job, old)
  const anyOf = (...parts: readonly Part[]): boolean => parts.some((part) => changed.has(part))
  const complete = hasCondition(job, 'Complete')
  const failed = hasCondition(job, 'Failed')
  const criteriaMet = hasCondition(job, 'SuccessCriteriaMet')
  const failing = hasCondition(job, 'FailureTarget')
  const { startTime, completionTime, active = 0, ready, terminating = 0, uncountedTerminatedPods: uncounted } = status
  const finished = isFinished(job)
  const refuse = (when: boolean, detail: string): void => {
    if (when) errors.push(fieldError.invalidUnshown(CONDITIONS, detail))
  }
  const invalid = (when: boolean, name: keyof JobStatus, detail: string): void => {
    if (when) errors.push(fieldError.invalid(STATUS.child(name), status[name], detail))
  }
  const required = (when: boolean, name: keyof JobStatus, detail: string): void => {
    if (when) errors.push(fieldError.required(STATUS.child(name), detail))
  }
  refuse(anyOf('Complete', 'Failed') && complete && failed, 'cannot set Complete=True and Failed=true conditions')
  refuse(anyOf('Complete', 'FailureTarget') && complete && failing, 'cannot set Complete=True and FailureTarget=true conditions')
  const completionChanged = anyOf('Complete', 'completionTime')
  invalid(
    completionChanged && completionTime !== undefined && !complete,
    'completionTime',
    'cannot set completionTime when there is no Complete=True condition',
  )
  required(completionChanged && completionTime === undefined && complete, 'completionTime', 'completionTime is required for Complete jobs')
  const endsBeforeStart = startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)
  invalid(anyOf('startTime', 'completionTime') && endsBeforeStart, 'completionTime', 'must be equal to or after `startTime`')
  refuse(
    anyOf('Failed', 'failedIndexes') && failed && !failing,
    'cannot set Failed=True condition without the FailureTarget=true condition',
  )
  refuse(
    anyOf('Complete', 'SuccessCriteriaMet') && complete && !criteriaMet,
    'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
  )
  invalid(anyOf('finished', 'active') && active > 0 && finished, 'active', 'active>0 is invalid for finished job')
  const neverStarts = spec?.suspend === true && spec.completions === 0
  required(
    anyOf('finished', 'startTime') && !neverStarts && startTime === undefined && finished,
    'startTime',
    'startTime is required for finished job',
  )
  const uncountedPods = (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0)
  invalid(
    anyOf('finished', 'uncountedTerminatedPods') && finished && uncountedPods > 0,
    'uncountedTerminatedPods',
    'must be empty for finished job',
  )
  validateIndexes(job, changed, errors)
  invalid(anyOf('finished', 'terminating') && terminating > 0 && finished, 'terminating', 'terminating>0 is invalid for finished job')
  invalid(anyOf('ready', 'active') && ready !== undefined && ready > active, 'ready', 'cannot set more ready pods than active')
  refuse(criteriaMet && failed, 'cannot set SuccessCriteriaMet=True and Failed=true conditions')
  refuse(criteriaMet && failing, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')
  refuse(
    spec?.successPolicy !== undefined && !criteriaMet && complete,
    'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
  )
}

function validateIndexes({ spec, status = {} }: Job, changed: ReadonlySet<Part>, errors: FieldErrors): void {
  const { completions, backoffLimitPerIndex } = spec ?? {}
  const { completedIndexes = '', failedIndexes } = status
  const invalid = (name: 'completedIndexes' | 'failedIndexes', detail: string | undefined): void => {
    if (detail !== undefined) errors.push(fieldError.invalid(STATUS.child(name), status[name] ?? '', detail))
  }
  const unreadable = (name: string, text: string): string | undefined => {
    const error = completions === undefined ? undefined : countIndexes(text, completions).error
    return error === undefined ? undefined : `error parsing ${name}: ${error}`
  }
  const completedChanged = changed.has('completedIndexes')
  const failedChanged = changed.has('failedIndexes') && failedIndexes !== undefined
  if (completedChanged) invalid('completedIndexes', unreadable('completedIndexes', completedIndexes))
  if (failedChanged && backoffLimitPerIndex !== undefined) invalid('failedIndexes', unreadable('failedIndexes', failedIndexes))
  if (completedChanged && completedIndexes !== '' && spec?.completionMode !== 'Indexed')
    invalid('completedIndexes', 'cannot set non-empty completedIndexes when non-indexed completion mode')
  if (failedChanged && backoffLimitPerIndex === undefined)
    invalid('failedIndexes', 'cannot set non-null failedIndexes when backoffLimitPerIndex is null')
  if ((failedChanged || completedChanged) && completions !== undefined && failedIndexes !== undefined) {
    const overlap = firstOverlap(completedIndexes, failedIndexes, completions)
    if (overlap !== undefined) invalid('failedIndexes', `failedIndexes and completedIndexes overlap at index: ${overlap}`)
  }
}

/** What has been said of a Job stays said. */
function validateProgress(job: Job, old: Job, errors: FieldErrors): void {
  const { spec, status = {} } = job
  const before = old.status ?? {}
  const refuse = (when: boolean, detail: string): void => {
    if (when) errors.push(fieldError.invalidUnshown(CONDITIONS, detail))
  }
  const immutable = (when: boolean, name: 'completionTime' | 'startTime', detail: string): void => {
    if (when) errors.push(fieldError.invalid(STATUS.child(name), status[name], detail))
  }
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const)
    refuse(hasCondition(old, type) && !hasCondition(job, type), `cannot disable the terminal ${type}=True condition`)
  // An elastic Job, whose parallelism is its completions, may be made smaller.
  const isElastic = spec?.completionMode === 'Indexed' && spec.completions === spec.parallelism
  for (const counter of ['failed', 'succeeded'] as const) {
    const count = status[counter] ?? 0
    if (count < (before[counter] ?? 0) && !(counter === 'succeeded' && isElastic))
      errors.push(fieldError.invalid(STATUS.child(counter), count, `cannot decrease the ${counter} counter`))
  }
  immutable(
    before.completionTime !== undefined && status.completionTime !== undefined && status.completionTime !== before.completionTime,
    'completionTime',
    'field is immutable',
  )
  immutable(
    before.startTime !== undefined && status.startTime !== before.startTime && spec?.suspend !== true && !isResumed(job, old),
    'startTime',
    'field is immutable for unsuspended job once set',
  )
  refuse(
    hasCondition(old, 'SuccessCriteriaMet') && !hasCondition(job, 'SuccessCriteriaMet'),
    'cannot disable the SuccessCriteriaMet=True condition',
  )
  refuse(
    hasCondition(old, 'Complete') && !hasCondition(old, 'SuccessCriteriaMet') && hasCondition(job, 'SuccessCriteriaMet'),
    'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions',
  )
}

/** The controller says so after the user has changed the spec. */
function isResumed(job: Job, old: Job): boolean {
  const runs = job.status?.conditions?.some(({ type, status }) => type === 'Suspended' && status === 'False')
  return hasCondition(old, 'Suspended') && runs === true
}
