import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { MatchCondition } from '../../types/admissionregistration-v1.gen.ts'
import { qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

const MOST_CONDITIONS = 64

/** What narrows the requests of a webhook further. */
export function validateMatchConditions(conditions: readonly MatchCondition[], path: Path, errors: FieldErrors): void {
  if (conditions.length > MOST_CONDITIONS) errors.push(fieldError.tooMany(path, conditions.length, MOST_CONDITIONS))
  const names = new Set<string>()
  conditions.forEach(({ name = '', expression = '' }, at) => {
    const one = path.index(at)
    if (expression.trim() === '') errors.push(fieldError.required(one.child('expression')))
    if (name === '') errors.push(fieldError.required(one.child('name')))
    else {
      invalidText(name, qualifiedNameErrors(name), one.child('name'), errors)
      if (names.has(name)) errors.push(fieldError.duplicate(one.child('name'), name))
      names.add(name)
    }
  })
}
