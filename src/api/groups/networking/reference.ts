import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { dnsSubdomainErrors, pathSegmentErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

/** A part of a reference that stands in a path. */
export function validateSegment(value: string | undefined, path: Path, errors: FieldErrors): void {
  if (value === undefined || value === '') errors.push(fieldError.required(path))
  else invalidText(value, pathSegmentErrors(value), path, errors)
}

/** A reference to an object of any kind beside the one that holds it. */
export function validateLocalReference(
  reference: { readonly apiGroup?: string | undefined; readonly kind?: string | undefined; readonly name?: string | undefined },
  path: Path,
  errors: FieldErrors,
): void {
  const { apiGroup, kind, name } = reference
  if (apiGroup !== undefined) invalidText(apiGroup, dnsSubdomainErrors(apiGroup), path.child('apiGroup'), errors)
  validateSegment(kind, path.child('kind'), errors)
  validateSegment(name, path.child('name'), errors)
}
