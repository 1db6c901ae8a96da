import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import type { Condition } from '../types/meta-v1.gen.ts'
import { byteLength, qualifiedNameErrors } from './names.ts'
import { invalidText } from './values.ts'

const STATES = ['False', 'True', 'Unknown']
const LONGEST_REASON = 1024
const LONGEST_MESSAGE = 32 * 1024
const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'
const IS_REASON = new RegExp(`^${REASON}$`)
const REASON_MESSAGE = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${REASON}')`

/** Conditions of the common form (`meta/v1`), each type once. */
export function validateConditions(conditions: readonly Condition[], path: Path, errors: FieldErrors): void {
  const seen = new Set<string>()
  conditions.forEach((condition, at) => {
    const { type = '', status = '', observedGeneration = 0, lastTransitionTime, reason = '', message = '' } = condition
    const one = path.index(at)
    if (seen.has(type)) errors.push(fieldError.duplicate(one.child('type'), type))
    seen.add(type)
    invalidText(type, qualifiedNameErrors(type), one.child('type'), errors)
    if (!STATES.includes(status)) errors.push(fieldError.notSupported(one.child('status'), status, STATES))
    if (observedGeneration < 0)
      errors.push(fieldError.invalid(one.child('observedGeneration'), observedGeneration, 'must be greater than or equal to zero'))
    if ((lastTransitionTime ?? '') === '') errors.push(fieldError.required(one.child('lastTransitionTime')))
    if (reason === '') errors.push(fieldError.required(one.child('reason')))
    else {
      if (!IS_REASON.test(reason)) errors.push(fieldError.invalid(one.child('reason'), reason, REASON_MESSAGE))
      if (byteLength(reason) > LONGEST_REASON) errors.push(fieldError.tooLong(one.child('reason'), LONGEST_REASON))
    }
    if (byteLength(message) > LONGEST_MESSAGE) errors.push(fieldError.tooLong(one.child('message'), LONGEST_MESSAGE))
  })
}
