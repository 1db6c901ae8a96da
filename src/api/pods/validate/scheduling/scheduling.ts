import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { validateLabelSelector } from '../../../validation/label-selector.ts'
import { labelValueErrors, qualifiedNameErrors } from '../../../validation/names.ts'
import { invalidText } from '../../../validation/values.ts'
import { validateLabelKeys } from './affinity.ts'

const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway']
const INCLUSION = ['Honor', 'Ignore']
const POSITIVE = 'must be greater than zero'

export function validateTopologySpread(constraints: readonly core.TopologySpreadConstraint[], path: Path, errors: FieldErrors): void {
  constraints.forEach((constraint, i) => {
    const at = path.index(i)
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector, matchLabelKeys = [] } = constraint
    if (maxSkew <= 0) errors.push(fieldError.invalid(at.child('maxSkew'), maxSkew, POSITIVE))
    if (topologyKey === '') errors.push(fieldError.required(at.child('topologyKey'), 'can not be empty'))
    if (!UNSATISFIABLE.includes(whenUnsatisfiable))
      errors.push(fieldError.notSupported(at.child('whenUnsatisfiable'), whenUnsatisfiable, UNSATISFIABLE))
    if (constraints.slice(i + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)) {
      errors.push(fieldError.duplicate(at.child('{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`))
    }
    if (minDomains !== undefined) {
      if (minDomains <= 0) errors.push(fieldError.invalid(at.child('minDomains'), minDomains, POSITIVE))
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        errors.push(
          fieldError.invalid(
            at.child('minDomains'),
            minDomains,
            `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
          ),
        )
      }
    }
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[field]
      if (policy !== undefined && !INCLUSION.includes(policy)) errors.push(fieldError.notSupported(at.child(field), policy, INCLUSION))
    }
    validateLabelKeys(matchLabelKeys, labelSelector, at.child('matchLabelKeys'), errors)
    validateLabelSelector(labelSelector, at.child('labelSelector'), errors)
  })
}

const OPERATORS = ['Equal', 'Exists']
/** These are known, but only accepted where the cluster has switched them on. */
const GATED_OPERATORS = ['Lt', 'Gt']
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** Also of a RuntimeClass. */
export function validateTolerations(tolerations: readonly core.Toleration[], path: Path, errors: FieldErrors): void {
  for (let i = 0; i < tolerations.length; i++) validateToleration(tolerations[i] ?? {}, path.index(i), errors)
}

function validateToleration(toleration: core.Toleration, path: Path, errors: FieldErrors): void {
  const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration
  if (key !== '') invalidText(key, qualifiedNameErrors(key), path.child('key'), errors)
  if (key === '' && operator !== 'Exists') {
    const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
    errors.push(fieldError.invalid(path.child('operator'), operator, why))
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.push(fieldError.invalid(path.child('effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
  }
  if (operator === '' || operator === 'Equal') {
    const messages = labelValueErrors(value)
    if (messages.length > 0) errors.push(fieldError.invalid(path.child('operator'), value, messages.join(';')))
  } else if (operator === 'Exists') {
    if (value !== '') errors.push(fieldError.invalid(path.child('operator'), value, "value must be empty when `operator` is 'Exists'"))
  } else
    errors.push(
      fieldError.notSupported(
        path.child('operator'),
        operator,
        GATED_OPERATORS.includes(operator) ? [...OPERATORS, ...GATED_OPERATORS] : OPERATORS,
      ),
    )
  if (effect !== '' && !EFFECTS.includes(effect)) errors.push(fieldError.notSupported(path.child('effect'), effect, EFFECTS))
}

export function validateSchedulingGates(gates: readonly core.PodSchedulingGate[], path: Path, errors: FieldErrors): void {
  const names = new Set<string>()
  gates.forEach(({ name = '' }, i) => {
    invalidText(name, qualifiedNameErrors(name), path.index(i), errors)
    if (names.has(name)) errors.push(fieldError.duplicate(path.index(i), name))
    names.add(name)
  })
}

export function validateReadinessGates(gates: readonly core.PodReadinessGate[], path: Path, errors: FieldErrors): void {
  gates.forEach(({ conditionType = '' }, i) =>
    invalidText(conditionType, qualifiedNameErrors(conditionType), path.index(i).child('conditionType'), errors),
  )
}
