import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { STATUS } from '../../workloads/workload.ts'

/** Each condition has a type, and no type comes twice. */
export function validateUniqueConditions(
  conditions: readonly { readonly type?: string | undefined }[] | undefined,
  errors: FieldErrors,
): void {
  const seen = new Set<string>()
  conditions?.forEach(({ type = '' }, at) => {
    const path = STATUS.child('conditions').index(at).child('type')
    if (seen.has(type)) errors.push(fieldError.duplicate(path, type))
    seen.add(type)
    if (type === '') errors.push(fieldError.required(path))
  })
}
