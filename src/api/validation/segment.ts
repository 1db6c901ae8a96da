import type { FieldErrors } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import { pathSegmentErrors } from './names.ts'
import { invalidText, validateRequired } from './values.ts'

/** A part of a reference that stands in a path: a kind, a resource, a name. */
export function validateSegment(value: string | undefined, path: Path, errors: FieldErrors): void {
  if (validateRequired(value, path, errors)) invalidText(value, pathSegmentErrors(value), path, errors)
}
