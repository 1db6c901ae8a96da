import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import { dnsLabelErrors, dnsSubdomainErrors } from './names.ts'

/** A fully qualified domain name, with or without the dot at its end. The first thing that is wrong is told. */
export function validateDomainName(value: string, path: Path, errors: FieldErrors): void {
  if (value === '') {
    errors.push(fieldError.required(path))
    return
  }
  const name = value.replace(/\.$/, '')
  const messages = dnsSubdomainErrors(name)
  const labels = name.split('.')
  const long = labels.find((label) => dnsLabelErrors(label).length > 0)
  if (messages.length > 0) errors.push(fieldError.invalid(path, name, messages.join(',')))
  else if (labels.length < 2) errors.push(fieldError.invalid(path, name, 'should be a domain with at least two segments separated by dots'))
  else if (long !== undefined) errors.push(fieldError.invalid(path, long, dnsLabelErrors(long).join(',')))
}
