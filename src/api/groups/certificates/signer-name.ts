import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { byteLength, DNS_LABEL_MAX, DNS_SUBDOMAIN_MAX, dnsLabelErrors, dnsSubdomainErrors } from '../../validation/names.ts'
import { validateRequired } from '../../validation/values.ts'

const REST_MAX = DNS_LABEL_MAX + 1 + DNS_SUBDOMAIN_MAX

/** Who signs: `example.com/signer`. */
export function validateSignerName(name: string | undefined, path: Path, errors: FieldErrors): void {
  if (!validateRequired(name, path, errors)) return
  const [domain = '', rest, ...more] = name.split('/')
  if (rest === undefined || more.length > 0) {
    errors.push(fieldError.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"))
    return
  }
  if (byteLength(domain) > DNS_SUBDOMAIN_MAX) errors.push(fieldError.tooLong(path, DNS_SUBDOMAIN_MAX))
  const labels = domain.split('.')
  for (const label of labels) refuse(domain, label, dnsLabelErrors(label), path, errors)
  if (labels.length < 2) errors.push(fieldError.invalid(path, domain, 'should be a domain with at least two segments separated by dots'))
  for (const label of rest.split('.')) refuse(rest, label, dnsSubdomainErrors(label), path, errors)
  if (byteLength(rest) > REST_MAX) errors.push(fieldError.tooLong(path, REST_MAX))
}

function refuse(part: string, label: string, messages: readonly string[], path: Path, errors: FieldErrors): void {
  for (const message of messages) errors.push(fieldError.invalid(path, part, `validating label ${JSON.stringify(label)}: ${message}`))
}
