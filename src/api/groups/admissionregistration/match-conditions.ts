import { AdmissionProblem, compileMatchCondition } from '../../cel/kubernetes/admission.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { MatchCondition } from '../../types/admissionregistration-v1.gen.ts'
import { qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

const MOST_CONDITIONS = 64

/** What narrows the requests of a webhook or a policy further. */
export function validateMatchConditions(conditions: readonly MatchCondition[], hasParams: boolean, path: Path, errors: FieldErrors): void {
  if (conditions.length > MOST_CONDITIONS) errors.push(fieldError.tooMany(path, conditions.length, MOST_CONDITIONS))
  const names = new Set<string>()
  conditions.forEach(({ name = '', expression = '' }, at) => {
    const one = path.index(at)
    const source = expression.trim()
    if (source === '') errors.push(fieldError.required(one.child('expression')))
    else {
      const compiled = compileMatchCondition(source, hasParams)
      if (compiled instanceof AdmissionProblem) errors.push(fieldError.invalid(one.child('expression'), source, compiled.text))
    }
    if (name === '') errors.push(fieldError.required(one.child('name')))
    else {
      invalidText(name, qualifiedNameErrors(name), one.child('name'), errors)
      if (names.has(name)) errors.push(fieldError.duplicate(one.child('name'), name))
      names.add(name)
    }
  })
}
