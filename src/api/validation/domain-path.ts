import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import { byteLength, dnsSubdomainErrors } from './names.ts'
import { invalidText, validateRequired } from './values.ts'

const PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const IS_PATH = new RegExp(`^${PATH}$`)

/** `example.com/path`: the name of a controller, a signer, … */
export function validateDomainPath(value: string | undefined, maxBytes: number, path: Path, errors: FieldErrors): void {
  if (!validateRequired(value, path, errors)) return
  const slash = value.indexOf('/')
  if (slash <= 0 || slash === value.length - 1) {
    errors.push(fieldError.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")'))
  } else {
    const host = value.slice(0, slash)
    const rest = value.slice(slash + 1)
    invalidText(host, dnsSubdomainErrors(host), path, errors)
    if (!IS_PATH.test(rest)) errors.push(fieldError.invalid(path, rest, `Invalid path (regex used for validation is '${PATH}')`))
  }
  if (byteLength(value) > maxBytes) errors.push(fieldError.tooLong(path, maxBytes))
}
