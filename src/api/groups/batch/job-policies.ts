import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type {
  JobSpec,
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicy,
  SuccessPolicyRule,
} from '../../types/batch-v1.gen.ts'
import { byteLength, qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText, validateNonnegative } from '../../validation/values.ts'
import { countIndexes } from './indexes.ts'

const RULES_MAX = 20
const PATTERNS_MAX = 20
const EXIT_CODES_MAX = 255
const INDEXES_MAX_BYTES = 64 * 1024
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const OPERATORS = ['In', 'NotIn']
const STATUSES = ['False', 'True', 'Unknown']

/** What happens to a Job when one of its pods fails. */
export function validateFailurePolicy(policy: PodFailurePolicy, spec: JobSpec, path: Path, errors: FieldErrors): void {
  const rulesPath = path.child('rules')
  const rules = policy.rules ?? []
  if (rules.length > RULES_MAX) errors.push(fieldError.tooMany(rulesPath, rules.length, RULES_MAX))
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {}
  const names = new Set([...(containers ?? []), ...(initContainers ?? [])].map((container) => container.name))
  rules.forEach((rule, at) => validateFailureRule(rule, spec, names, rulesPath.index(at), errors))
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, names: ReadonlySet<string>, path: Path, errors: FieldErrors): void {
  const { action, onExitCodes, onPodConditions = [] } = rule
  if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined)
      errors.push(fieldError.invalid(path.child('action'), action, 'requires the backoffLimitPerIndex to be set'))
  } else validateChoice(action, ACTIONS, path.child('action'), errors)
  if (onExitCodes !== undefined) validateExitCodes(onExitCodes, names, path.child('onExitCodes'), errors)
  if (onPodConditions.length > 0) validateConditions(onPodConditions, path.child('onPodConditions'), errors)
  if (onExitCodes !== undefined && onPodConditions.length > 0)
    errors.push(fieldError.invalidUnshown(path, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  if (onExitCodes === undefined && onPodConditions.length === 0)
    errors.push(fieldError.invalidUnshown(path, 'specifying one of OnExitCodes and OnPodConditions is required'))
}

function validateChoice(value: string | undefined, choices: readonly string[], path: Path, errors: FieldErrors): void {
  if (value === undefined || value === '')
    errors.push(fieldError.required(path, `valid values: [${choices.map((choice) => JSON.stringify(choice)).join(' ')}]`))
  else if (!choices.includes(value)) errors.push(fieldError.notSupported(path, value, choices))
}

function validateExitCodes(
  { operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
  path: Path,
  errors: FieldErrors,
): void {
  validateChoice(operator, OPERATORS, path.child('operator'), errors)
  if (containerName !== undefined && !names.has(containerName))
    errors.push(
      fieldError.invalid(
        path.child('containerName'),
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    )
  const valuesPath = path.child('values')
  if (values === null || values.length === 0) {
    errors.push(fieldError.invalid(valuesPath, values, 'at least one value is required'))
    return
  }
  if (values.length > EXIT_CODES_MAX) errors.push(fieldError.tooMany(valuesPath, values.length, EXIT_CODES_MAX))
  const seen = new Set<number>()
  let ordered = true
  values.forEach((value, at) => {
    if (operator === 'In' && value === 0) errors.push(fieldError.invalid(valuesPath.index(at), value, 'must not be 0 for the In operator'))
    if (seen.has(value)) errors.push(fieldError.duplicate(valuesPath.index(at), value))
    seen.add(value)
    if ((values[at - 1] ?? value) > value) ordered = false
  })
  if (!ordered) errors.push(fieldError.invalid(valuesPath, values, 'must be ordered'))
}

function validateConditions(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], path: Path, errors: FieldErrors): void {
  if (patterns.length > PATTERNS_MAX) errors.push(fieldError.tooMany(path, patterns.length, PATTERNS_MAX))
  patterns.forEach(({ type = '', status }, at) => {
    invalidText(type, qualifiedNameErrors(type), path.index(at).child('type'), errors)
    validateChoice(status, STATUSES, path.index(at).child('status'), errors)
  })
}

/** When a Job has succeeded before all its indexes have. */
export function validateSuccessPolicy(policy: SuccessPolicy, completions: number | undefined, path: Path, errors: FieldErrors): void {
  const rulesPath = path.child('rules')
  const rules = policy.rules ?? []
  if (rules.length === 0)
    errors.push(fieldError.required(rulesPath, 'at least one rules must be specified when the successPolicy is specified'))
  if (rules.length > RULES_MAX) errors.push(fieldError.tooMany(rulesPath, rules.length, RULES_MAX))
  rules.forEach((rule, at) => validateSuccessRule(rule, completions, rulesPath.index(at), errors))
}

function validateSuccessRule(
  { succeededIndexes, succeededCount }: SuccessPolicyRule,
  completions: number | undefined,
  path: Path,
  errors: FieldErrors,
): void {
  if (succeededIndexes === undefined && succeededCount === undefined)
    errors.push(fieldError.required(path, 'at least one of succeededCount or succeededIndexes must be specified'))
  // That there is no number of them has been said.
  if (completions === undefined) return
  const indexesPath = path.child('succeededIndexes')
  let total = 0
  if (succeededIndexes !== undefined) {
    if (byteLength(succeededIndexes) > INDEXES_MAX_BYTES) errors.push(fieldError.tooLong(indexesPath, INDEXES_MAX_BYTES))
    const counted = countIndexes(succeededIndexes, completions)
    total = counted.total
    if (counted.error !== undefined)
      errors.push(fieldError.invalid(indexesPath, succeededIndexes, `error parsing succeededIndexes: ${counted.error}`))
  }
  if (succeededCount === undefined) return
  const countPath = path.child('succeededCount')
  const atMost = (limit: number, what: string): void => {
    if (succeededCount > limit)
      errors.push(fieldError.invalid(countPath, succeededCount, `must be less than or equal to ${limit} (the number of ${what})`))
  }
  validateNonnegative(succeededCount, countPath, errors)
  atMost(completions, 'specified completions')
  if (succeededIndexes !== undefined) atMost(total, 'indexes in the specified succeededIndexes field')
}
