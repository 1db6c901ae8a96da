import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'

const POLICIES = ['Always', 'Never', 'OnFailure']
const ACTIONS = ['Restart', 'RestartAllContainers']
const OPERATORS = ['In', 'NotIn']
const MOST_RULES = 20
const MOST_EXIT_CODES = 255

/** How a container starts again, where it says so itself. */
export function validateRestartRules(
  { restartPolicy, restartPolicyRules: rules = [] }: core.Container,
  path: Path,
  errors: FieldErrors,
  isInit = false,
): void {
  const at = path.child('restartPolicyRules')
  const policyPath = path.child('restartPolicy')
  if (restartPolicy === undefined) {
    if (rules.length === 0) return
    errors.push(fieldError.required(policyPath, 'must specify restartPolicy when restart rules are used'))
    if (isInit) return
  } else if (!POLICIES.includes(restartPolicy)) errors.push(fieldError.notSupported(policyPath, restartPolicy, POLICIES))
  if (rules.length > MOST_RULES) errors.push(fieldError.tooMany(at, rules.length, MOST_RULES))
  rules.forEach(({ action = '', exitCodes }, i) => {
    if (!ACTIONS.includes(action)) errors.push(fieldError.notSupported(at.index(i).child('action'), action, ACTIONS))
    const codes = at.index(i).child('exitCodes')
    if (exitCodes === undefined) errors.push(fieldError.required(codes, 'must be specified'))
    else {
      const { operator = '', values = [] } = exitCodes
      if (!OPERATORS.includes(operator)) errors.push(fieldError.notSupported(codes.child('operator'), operator, OPERATORS))
      if (values.length > MOST_EXIT_CODES) errors.push(fieldError.tooMany(codes.child('values'), values.length, MOST_EXIT_CODES))
    }
  })
}
