import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { Job, JobStatus } from '../../types/batch-v1.gen.ts'
import { STATUS, validateCounts } from '../../workloads/workload.ts'
import { countIndexes, indexSet } from './indexes.ts'

const CONDITIONS = STATUS.child('conditions')
const COUNTS = ['active', 'succeeded', 'failed', 'ready', 'terminating']

type ConditionType = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet' | 'Suspended'

export function hasCondition({ status }: Job, type: ConditionType): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true
}

/** A Job's controller is free to exchange, so the server holds it to what others read from a Job's status. */
export function validateJobStatus(job: Job, old: Job, errors: FieldErrors): void {
  const status = job.status ?? {}
  validateCounts({ ...status }, COUNTS, STATUS, errors)
  validateUncounted(status, errors)
  if (!deepEqual(status, old.status ?? {})) validateOutcome(job, status, errors)
  validateProgress(job, status, old, errors)
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

function validateOutcome(job: Job, status: JobStatus, errors: FieldErrors): void {
  const complete = hasCondition(job, 'Complete')
  const failed = hasCondition(job, 'Failed')
  const criteriaMet = hasCondition(job, 'SuccessCriteriaMet')
  const failing = hasCondition(job, 'FailureTarget')
  const { startTime, completionTime, uncountedTerminatedPods: uncounted } = status
  const finished = complete || failed
  const refuse = (when: boolean, detail: string): void => {
    if (when) errors.push(fieldError.invalidUnshown(CONDITIONS, detail))
  }
  const invalid = (when: boolean, name: keyof JobStatus, detail: string): void => {
    if (when) errors.push(fieldError.invalid(STATUS.child(name), status[name], detail))
  }
  refuse(complete && failed, 'cannot set Complete=True and Failed=true conditions')
  refuse(complete && failing, 'cannot set Complete=True and FailureTarget=true conditions')
  invalid(completionTime !== undefined && !complete, 'completionTime', 'cannot set completionTime when there is no Complete=True condition')
  if (completionTime === undefined && complete)
    errors.push(fieldError.required(STATUS.child('completionTime'), 'completionTime is required for Complete jobs'))
  refuse(failed && !failing, 'cannot set Failed=True condition without the FailureTarget=true condition')
  refuse(complete && !criteriaMet, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition')
  invalid(finished && (status.active ?? 0) > 0, 'active', 'active>0 is invalid for finished job')
  if (finished && startTime === undefined)
    errors.push(fieldError.required(STATUS.child('startTime'), 'startTime is required for finished job'))
  const uncountedPods = (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0)
  invalid(finished && uncountedPods > 0, 'uncountedTerminatedPods', 'uncountedTerminatedPods needs to be empty for finished job')
  invalid(finished && (status.terminating ?? 0) > 0, 'terminating', 'terminating>0 is invalid for finished job')
  invalid((status.ready ?? 0) > (status.active ?? 0) && (status.active ?? 0) >= 0, 'ready', 'cannot set more ready pods than active')
  validateIndexes(job, status, errors)
  const endsBeforeStart = startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)
  invalid(endsBeforeStart, 'completionTime', 'must be equal to or after `startTime`')
  refuse(failed && criteriaMet, 'cannot set Failed=True and SuccessCriteriaMet=True conditions')
  refuse(failing && criteriaMet, 'cannot set FailureTarget=True and SuccessCriteriaMet=True conditions')
  refuse(
    job.spec?.successPolicy !== undefined && complete && !criteriaMet,
    'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
  )
}

function validateIndexes({ spec }: Job, { completedIndexes = '', failedIndexes }: JobStatus, errors: FieldErrors): void {
  const isIndexed = spec?.completionMode === 'Indexed'
  const completions = spec?.completions ?? 0
  const problem = (name: string, text: string): string | undefined => {
    const { error } = countIndexes(text, completions)
    return error === undefined ? undefined : `error parsing ${name}: ${error}`
  }
  const completedProblem = isIndexed
    ? problem('completedIndexes', completedIndexes)
    : completedIndexes === ''
      ? undefined
      : 'cannot set non-empty completedIndexes when non-indexed completion mode'
  if (completedProblem !== undefined) errors.push(fieldError.invalid(STATUS.child('completedIndexes'), completedIndexes, completedProblem))
  if (failedIndexes === undefined) return
  const path = STATUS.child('failedIndexes')
  const failedProblem =
    spec?.backoffLimitPerIndex === undefined
      ? 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'
      : problem('failedIndexes', failedIndexes)
  if (failedProblem !== undefined) errors.push(fieldError.invalid(path, failedIndexes, failedProblem))
  else if (completedProblem === undefined && !indexSet(failedIndexes).isDisjointFrom(indexSet(completedIndexes)))
    errors.push(fieldError.invalid(path, failedIndexes, 'failedIndexes and completedIndexes overlap'))
}

/** What has been said of a Job stays said. */
function validateProgress(job: Job, status: JobStatus, old: Job, errors: FieldErrors): void {
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const) {
    if (hasCondition(old, type) && !hasCondition(job, type))
      errors.push(fieldError.invalidUnshown(CONDITIONS, `cannot disable the terminal ${type}=True condition`))
  }
  for (const counter of ['failed', 'succeeded'] as const) {
    const isElastic = counter === 'succeeded' && job.spec?.completionMode === 'Indexed'
    const count = status[counter] ?? 0
    if (count < (old.status?.[counter] ?? 0) && !(isElastic && count >= 0))
      errors.push(fieldError.invalid(STATUS.child(counter), count, `cannot decrease the ${counter} counter`))
  }
  const before = old.status ?? {}
  if (before.completionTime !== undefined && status.completionTime !== undefined && status.completionTime !== before.completionTime)
    errors.push(fieldError.invalid(STATUS.child('completionTime'), status.completionTime, 'completionTime cannot be mutated'))
  if (before.startTime !== undefined && status.startTime !== before.startTime && job.spec?.suspend !== true)
    errors.push(fieldError.required(STATUS.child('startTime'), 'startTime cannot be removed for unsuspended job'))
  if (hasCondition(old, 'SuccessCriteriaMet') && !hasCondition(job, 'SuccessCriteriaMet'))
    errors.push(fieldError.invalidUnshown(CONDITIONS, 'cannot disable the SuccessCriteriaMet=True condition'))
}
