import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import {
  DNS_LABEL_MAX,
  DNS_SUBDOMAIN_MAX,
  byteLength,
  cIdentifierErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  labelValueErrors,
  qualifiedNameErrors,
} from '../../validation/names.ts'
import { type Validate, invalidText } from '../../validation/values.ts'

const IDENTIFIER_MAX = 32
/** Of a qualified name: a domain, a slash, a name. */
export const QUALIFIED_MAX = DNS_LABEL_MAX + 1 + IDENTIFIER_MAX

export const validateLabel: Validate<string> = (name = '', path, errors) => invalidText(name, dnsLabelErrors(name), path, errors)
export const validateLabelKey: Validate<string> = (key = '', path, errors) => invalidText(key, qualifiedNameErrors(key), path, errors)
export const validateLabelValue: Validate<string> = (value, path, errors) => invalidText(value, labelValueErrors(value), path, errors)
export const validateSubdomain: Validate<string> = (name, path, errors) => invalidText(name, dnsSubdomainErrors(name), path, errors)

/** Upper case is allowed. */
export const validateDriverName: Validate<string> = (name = '', path, errors) => {
  if (name === '') errors.push(fieldError.required(path))
  if (byteLength(name) > DNS_LABEL_MAX) errors.push(fieldError.tooLong(path, DNS_LABEL_MAX))
  const messages = dnsSubdomainErrors(name.toLowerCase())
  if (name !== '') invalidText(name, messages, path, errors)
}

/** Subdomains with slashes between them. */
export const validatePoolName: Validate<string> = (name = '', path, errors) => {
  if (name === '') errors.push(fieldError.required(path))
  else {
    if (byteLength(name) > DNS_SUBDOMAIN_MAX) errors.push(fieldError.tooLong(path, DNS_SUBDOMAIN_MAX))
    for (const part of name.split('/')) validateSubdomain(part, path, errors)
  }
}

/** `name` or `domain/name`. What has more slashes is let through, as Kubernetes does. */
export const validateQualified: Validate<string> = (text, path, errors) => {
  const [first = '', second, ...more] = text.split('/')
  if (second === undefined) validateIdentifier(first, path, errors)
  else if (more.length === 0) {
    if (first === '') errors.push(fieldError.invalid(path, '', 'the domain must not be empty'))
    else validateDriverName(first, path, errors)
    if (second === '') errors.push(fieldError.invalid(path, '', 'the name must not be empty'))
    else validateIdentifier(second, path, errors)
  }
}

export const validateFullyQualified: Validate<string> = (text, path, errors) => {
  validateQualified(text, path, errors)
  if (!text.includes('/'))
    errors.push(fieldError.invalid(path, text, 'a fully qualified name must be a domain and a name separated by a slash'))
}

function validateIdentifier(text: string, path: Path, errors: FieldErrors): void {
  if (byteLength(text) > IDENTIFIER_MAX) errors.push(fieldError.tooLong(path, IDENTIFIER_MAX))
  invalidText(text, cIdentifierErrors(text), path, errors)
}

/** In the one form that is stored. */
export const validateUuid: Validate<string> = (text, path, errors) => {
  const bare = text.replace(/^urn:uuid:/i, '').replace(/^\{(.*)\}$/, '$1')
  const isUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(bare) || /^[0-9a-f]{32}$/i.test(text)
  if (!isUuid) {
    const why = [32, 36, 38, 45].includes(text.length) ? 'invalid UUID format' : `invalid UUID length: ${byteLength(text)}`
    errors.push(fieldError.invalid(path, text, `error validating uid: ${why}`))
  } else if (text.length !== 36 || text !== text.toLowerCase()) {
    const form = 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters'
    errors.push(fieldError.invalid(path, text, form))
  }
}
