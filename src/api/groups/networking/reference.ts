import type { FieldErrors } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { dnsSubdomainErrors } from '../../validation/names.ts'
import { validateSegment } from '../../validation/segment.ts'
import { invalidText } from '../../validation/values.ts'

/** A reference to an object of any kind beside the one that holds it. */
export function validateLocalReference(
  reference: { readonly apiGroup?: string | null | undefined; readonly kind?: string | undefined; readonly name?: string | undefined },
  path: Path,
  errors: FieldErrors,
): void {
  const { apiGroup, kind, name } = reference
  if (typeof apiGroup === 'string') invalidText(apiGroup, dnsSubdomainErrors(apiGroup), path.child('apiGroup'), errors)
  validateSegment(kind, path.child('kind'), errors)
  validateSegment(name, path.child('name'), errors)
}
