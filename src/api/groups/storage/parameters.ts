import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { byteLength } from '../../validation/names.ts'

const MOST_PARAMETERS = 512
const MOST_BYTES = 256 * 1024

/** What a class hands to the driver of its volumes. */
export function validateParameters(parameters: Readonly<Record<string, string>> | undefined, path: Path, errors: FieldErrors): void {
  const all = Object.entries(parameters ?? {})
  if (all.length > MOST_PARAMETERS) errors.push(fieldError.tooLong(path, MOST_PARAMETERS))
  let bytes = 0
  for (const [key, value] of all) {
    if (key === '') errors.push(fieldError.invalid(path, key, 'field can not be empty.'))
    bytes += byteLength(key) + byteLength(value)
  }
  if (bytes > MOST_BYTES) errors.push(fieldError.tooLong(path, MOST_BYTES))
}
