import { deviceSelectorProblem } from '../../cel/kubernetes/device.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { DeviceSelector, DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration } from '../../types/resource-v1.gen.ts'
import { byteLength } from '../../validation/names.ts'
import { validateSlice } from './lists.ts'
import { validateDriverName, validateLabelKey, validateLabelValue } from './names.ts'

const MOST_SELECTORS = 32
const LONGEST_EXPRESSION = 10 * 1024
const LONGEST_PARAMETERS = 10 * 1024
const TAINT_EFFECTS = ['NoExecute', 'NoSchedule', 'None']
export const MOST_CONFIGS = 32

/** Which devices will do. */
export function validateSelectors(selectors: readonly DeviceSelector[] | undefined, path: Path, errors: FieldErrors): void {
  validateSlice(selectors, MOST_SELECTORS, validateSelector, path, errors)
}

function validateSelector({ cel }: DeviceSelector, path: Path, errors: FieldErrors): void {
  if (cel === undefined) {
    errors.push(fieldError.required(path.child('cel')))
    return
  }
  const at = path.child('cel').child('expression')
  const { expression = '' } = cel
  if (byteLength(expression) > LONGEST_EXPRESSION) {
    errors.push(fieldError.tooLong(at, LONGEST_EXPRESSION))
    return
  }
  const problem = deviceSelectorProblem(expression)
  if (problem === undefined) return
  errors.push(problem.isTooCostly ? fieldError.forbidden(at, problem.text) : fieldError.invalid(at, expression, problem.text))
}

/** `isStored` for what was stored before there was a limit on its size. */
export function validateConfiguration(
  { opaque }: { readonly opaque?: OpaqueDeviceConfiguration | undefined },
  isStored: boolean,
  path: Path,
  errors: FieldErrors,
): void {
  const at = path.child('opaque')
  if (opaque === undefined) {
    errors.push(fieldError.required(at))
    return
  }
  validateDriverName(opaque.driver, at.child('driver'), errors)
  validateData(opaque.parameters, isStored ? Number.POSITIVE_INFINITY : LONGEST_PARAMETERS, at.child('parameters'), errors)
}

/** An object that only its driver understands. */
export function validateData(value: unknown, longest: number, path: Path, errors: FieldErrors): void {
  if (value === undefined || value === null) errors.push(fieldError.required(path))
  else if (byteLength(JSON.stringify(value)) > longest) errors.push(fieldError.tooLong(path, longest))
  else if (typeof value !== 'object' || Array.isArray(value))
    errors.push(fieldError.invalid(path, '<value omitted>', 'must be a valid JSON object'))
}

export function validateTaint({ key, value = '', effect = '' }: DeviceTaint, path: Path, errors: FieldErrors): void {
  validateLabelKey(key, path.child('key'), errors)
  if (value !== '') validateLabelValue(value, path.child('value'), errors)
  if (effect === '') errors.push(fieldError.required(path.child('effect')))
  else validateEffect(effect, path.child('effect'), errors)
}

function validateEffect(effect: string, path: Path, errors: FieldErrors): void {
  if (!TAINT_EFFECTS.includes(effect)) errors.push(fieldError.notSupported(path, effect, TAINT_EFFECTS))
}

export function validateToleration(
  { key = '', operator = '', value = '', effect = '' }: DeviceToleration,
  path: Path,
  errors: FieldErrors,
): void {
  if (key !== '') validateLabelKey(key, path.child('key'), errors)
  if (operator === 'Exists') {
    if (value !== '') errors.push(fieldError.invalid(path.child('value'), value, 'must be empty for operator `Exists`'))
  } else if (operator === 'Equal') validateLabelValue(value, path.child('value'), errors)
  else if (operator === '') errors.push(fieldError.required(path.child('operator')))
  else errors.push(fieldError.notSupported(path.child('operator'), operator, ['Equal', 'Exists']))
  if (effect !== '') validateEffect(effect, path.child('effect'), errors)
}

const MOST_BINDING_CONDITIONS = 4

/** Both lists are there, or none; no condition stands for success and failure. */
export function validateBinding(
  { bindingConditions = [], bindingFailureConditions = [] }: { bindingConditions?: string[]; bindingFailureConditions?: string[] },
  path: Path,
  errors: FieldErrors,
): void {
  const good = path.child('bindingConditions')
  const bad = path.child('bindingFailureConditions')
  validateSlice(bindingConditions, MOST_BINDING_CONDITIONS, validateLabelKey, good, errors)
  validateSlice(bindingFailureConditions, MOST_BINDING_CONDITIONS, validateLabelKey, bad, errors)
  bindingConditions.forEach((condition, at) => {
    if (bindingConditions.indexOf(condition) < at) errors.push(fieldError.duplicate(good.index(at), condition))
  })
  bindingFailureConditions.forEach((condition, at) => {
    if (bindingFailureConditions.indexOf(condition) < at) errors.push(fieldError.duplicate(bad.index(at), condition))
    if (bindingConditions.includes(condition))
      errors.push(fieldError.invalid(bad.index(at), condition, 'bindingFailureConditions must not overlap with bindingConditions'))
  })
  if (bindingConditions.length === 0 && bindingFailureConditions.length > 0)
    errors.push(fieldError.invalid(good, null, 'bindingConditions are required to use bindingFailureConditions'))
  if (bindingFailureConditions.length === 0 && bindingConditions.length > 0)
    errors.push(fieldError.invalid(bad, null, 'bindingFailureConditions are required to use bindingConditions'))
}
