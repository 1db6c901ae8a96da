import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { type GoStruct, shownStruct } from '../../meta/go-struct.ts'
import type { Path } from '../../meta/path.ts'
import { labelSelectorOf } from '../../meta/selectors.ts'
import { defaultPodTemplate, validatePodTemplateSpec } from '../../pods/index.ts'
import type { JobSpec } from '../../types/batch-v1.gen.ts'
import { validateDomainPath } from '../../validation/domain-path.ts'
import { validateLabelSelector } from '../../validation/label-selector.ts'
import { validateNonnegative } from '../../validation/values.ts'
import { isUsableSelector } from '../../workloads/selector.ts'
import { validateFailurePolicy, validateSuccessPolicy } from './job-policies.ts'

const SHOWN_SUCCESS_POLICY: GoStruct = [
  [
    'Rules',
    'rules',
    null,
    [
      ['SucceededIndexes', 'succeededIndexes'],
      ['SucceededCount', 'succeededCount'],
    ],
  ],
]

const NEVER_GIVE_UP = 2 ** 31 - 1
const MANAGER_MAX_BYTES = 63
/** Above this many completions a Job with a limit for each index must stay small in other ways. */
const MANY_COMPLETIONS = 100_000
const PARALLELISM_MAX = 100_000
const FAILED_INDEXES_MAX = 100_000
const MANY_COMPLETIONS_LIMIT = 10_000
const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
] as const

export function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : NEVER_GIVE_UP
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed'
  spec.manualSelector ??= false
  defaultJobTemplate(spec)
}

/** What is filled in even where Jobs are still to be made. */
export function defaultJobTemplate(spec: JobSpec): void {
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  defaultPodTemplate(spec.template)
}

/** A Job's spec with its selector. */
export function validateJobSpec(spec: JobSpec, path: Path, errors: FieldErrors): void {
  validateJobTemplate(spec, path, errors)
  const { selector } = spec
  if (selector === undefined) errors.push(fieldError.required(path.child('selector')))
  else validateLabelSelector(selector, path.child('selector'), errors)
  const labels = spec.template?.metadata?.labels
  if (isUsableSelector(selector) && !labelSelectorOf(selector).matches(labels)) {
    const labelsPath = path.child('template').child('metadata').child('labels')
    errors.push(fieldError.invalidMap(labelsPath, labels, '`selector` does not match template `labels`'))
  }
}

/** What a Job and the template of one have in common. */
export function validateJobTemplate(spec: JobSpec, path: Path, errors: FieldErrors): void {
  for (const name of COUNTS) validateNonnegative(spec[name], path.child(name), errors)
  if (spec.maxFailedIndexes !== undefined) {
    validateNonnegative(spec.maxFailedIndexes, path.child('maxFailedIndexes'), errors)
    if (spec.backoffLimitPerIndex === undefined)
      errors.push(fieldError.required(path.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'))
  }
  if (spec.managedBy !== undefined) validateDomainPath(spec.managedBy, MANAGER_MAX_BYTES, path.child('managedBy'), errors)
  validateCompletionMode(spec, path, errors)
  if (spec.podFailurePolicy !== undefined) validateFailurePolicy(spec.podFailurePolicy, spec, path.child('podFailurePolicy'), errors)
  if (spec.successPolicy !== undefined) {
    if (spec.completionMode !== 'Indexed')
      errors.push(
        fieldError.invalid(
          path.child('successPolicy'),
          shownStruct(SHOWN_SUCCESS_POLICY, spec.successPolicy),
          'requires indexed completion mode',
        ),
      )
    else validateSuccessPolicy(spec.successPolicy, spec.completions, path.child('successPolicy'), errors)
  }
  validateReplacementPolicy(spec, path.child('podReplacementPolicy'), errors)
  validatePodTemplateSpec(spec.template, path.child('template'), errors)
  validateRestartPolicy(spec, path.child('template').child('spec').child('restartPolicy'), errors)
}

export function jobWarnings(spec: JobSpec | undefined): readonly string[] {
  const { completionMode, completions = 0, parallelism = 0 } = spec ?? {}
  if (completionMode !== 'Indexed' || completions <= MANY_COMPLETIONS || parallelism <= MANY_COMPLETIONS_LIMIT) return []
  return [
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail',
  ]
}

function validateCompletionMode(spec: JobSpec, path: Path, errors: FieldErrors): void {
  const { completionMode, completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex } = spec
  const failedPath = path.child('maxFailedIndexes')
  if (completionMode === undefined || completionMode === 'NonIndexed') {
    if (backoffLimitPerIndex !== undefined)
      errors.push(fieldError.invalid(path.child('backoffLimitPerIndex'), backoffLimitPerIndex, 'requires indexed completion mode'))
    if (maxFailedIndexes !== undefined) errors.push(fieldError.invalid(failedPath, maxFailedIndexes, 'requires indexed completion mode'))
    return
  }
  if (completionMode !== 'Indexed') {
    errors.push(fieldError.notSupported(path.child('completionMode'), completionMode, ['NonIndexed', 'Indexed']))
    return
  }
  if (completions === undefined) errors.push(fieldError.required(path.child('completions'), 'when completion mode is Indexed'))
  const refuse = (at: Path, value: number, limit: number, when = ''): unknown =>
    errors.push(fieldError.invalid(at, value, `must be less than or equal to ${limit}${when}`))
  if (parallelism > PARALLELISM_MAX) refuse(path.child('parallelism'), parallelism, PARALLELISM_MAX, ' when completion mode is Indexed')
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions)
    errors.push(fieldError.invalid(failedPath, maxFailedIndexes, 'must be less than or equal to completions'))
  if (maxFailedIndexes !== undefined && maxFailedIndexes > FAILED_INDEXES_MAX) refuse(failedPath, maxFailedIndexes, FAILED_INDEXES_MAX)
  if (completions === undefined || completions <= MANY_COMPLETIONS || backoffLimitPerIndex === undefined) return
  const when = ` when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`
  if (maxFailedIndexes === undefined)
    errors.push(fieldError.required(failedPath, `must be specified when completions is above ${MANY_COMPLETIONS}`))
  if (parallelism > MANY_COMPLETIONS_LIMIT) refuse(path.child('parallelism'), parallelism, MANY_COMPLETIONS_LIMIT, when)
  if (maxFailedIndexes !== undefined && maxFailedIndexes > MANY_COMPLETIONS_LIMIT)
    refuse(failedPath, maxFailedIndexes, MANY_COMPLETIONS_LIMIT, when)
}

/** With a failure policy a pod must have failed for good before it is replaced. */
function validateReplacementPolicy({ podReplacementPolicy, podFailurePolicy }: JobSpec, path: Path, errors: FieldErrors): void {
  const supported = podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']
  if (podReplacementPolicy !== undefined && !supported.includes(podReplacementPolicy))
    errors.push(fieldError.notSupported(path, podReplacementPolicy, supported))
}

function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, path: Path, errors: FieldErrors): void {
  const policy = template?.spec?.restartPolicy ?? ''
  if (policy === '' || policy === 'Always') errors.push(fieldError.required(path, 'valid values: "OnFailure", "Never"'))
  else if (policy !== 'OnFailure' && policy !== 'Never') errors.push(fieldError.notSupported(path, policy, ['OnFailure', 'Never']))
  else if (podFailurePolicy !== undefined && policy !== 'Never')
    errors.push(fieldError.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified'))
}
