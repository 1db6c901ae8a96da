/**
 * What is wrong with a text, in Kubernetes' words (k8s.io/apimachinery `util/validation`); empty when nothing is.
 * `…Errors` functions know no path: `invalidText` of `values.ts` joins them with one.
 */
export type TextErrors = readonly string[]
const NONE: TextErrors = []

const DNS_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const DNS_SUBDOMAIN = `${DNS_LABEL}(\\.${DNS_LABEL})*`
const RELAXED_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const RELAXED_SUBDOMAIN = `${RELAXED_LABEL}(\\.${RELAXED_LABEL})*`
const DNS1035_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?'
const QUALIFIED_NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const LABEL_VALUE = `(${QUALIFIED_NAME})?`
const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*'
const ENV_VAR_NAME = '[-._a-zA-Z][-._a-zA-Z0-9]*'
const CONFIG_KEY = '[-._a-zA-Z0-9]+'
const PERCENT = '[0-9]+%'
const HTTP_HEADER = '[-A-Za-z0-9]+'
const WILDCARD_SUBDOMAIN = `\\*\\.${DNS_SUBDOMAIN}`

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`)
const IS_DNS_LABEL = whole(DNS_LABEL)
const IS_RELAXED_LABEL = whole(RELAXED_LABEL)
const IS_DNS1035_LABEL = whole(DNS1035_LABEL)
const IS_C_IDENTIFIER = whole(C_IDENTIFIER)
const IS_ENV_VAR_NAME = whole(ENV_VAR_NAME)
const IS_CONFIG_KEY = whole(CONFIG_KEY)
const IS_PERCENT = whole(PERCENT)
const IS_HTTP_HEADER = whole(HTTP_HEADER)
const IS_PORT_NAME = /^[-a-z0-9]+$/

export const DNS_LABEL_MAX = 63
export const DNS_SUBDOMAIN_MAX = 253

/** Patterns with their examples, as the messages show them. */
const patternError = (rule: string, pattern: string, ...examples: readonly string[]): string =>
  `${rule} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`

const LABEL_MESSAGE = patternError(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  DNS_LABEL,
  'my-name',
  '123-abc',
)
const SUBDOMAIN_MESSAGE = patternError(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  DNS_SUBDOMAIN,
  'example.com',
)
const RELAXED_SUBDOMAIN_MESSAGE = patternError(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  RELAXED_SUBDOMAIN,
  'example.com',
)
const DNS1035_MESSAGE = patternError(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  DNS1035_LABEL,
  'my-name',
  'abc-123',
)
const WILDCARD_MESSAGE = patternError(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  WILDCARD_SUBDOMAIN,
  '*.example.com',
)
const MIXED = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const QUALIFIED_MESSAGE = patternError(MIXED, QUALIFIED_NAME, 'MyName', 'my.name', '123-abc')
const LABEL_VALUE_MESSAGE = patternError(
  `a valid label must be an empty string or consist of${MIXED.slice('must consist of'.length)}`,
  LABEL_VALUE,
  'MyValue',
  'my_value',
  '12345',
)
const C_IDENTIFIER_MESSAGE = patternError(
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  C_IDENTIFIER,
  'my_name',
  'MY_NAME',
  'MyName',
)
const ENV_VAR_MESSAGE = patternError(
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
  ENV_VAR_NAME,
  'my.env-name',
  'MY_ENV.NAME',
  'MyEnvName1',
)
const CONFIG_KEY_MESSAGE = patternError(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  CONFIG_KEY,
  'key.name',
  'KEY_NAME',
  'key-name',
)
const PERCENT_MESSAGE = patternError("a valid percent string must be a numeric string followed by an ending '%'", PERCENT, '1%', '93%')
const HTTP_HEADER_MESSAGE = patternError("a valid HTTP header must consist of alphanumeric characters or '-'", HTTP_HEADER, 'X-Header-Name')

const EMPTY = 'must be non-empty'
const tooManyCharacters = (max: number): string => `must be no more than ${max} characters`
const tooManyBytes = (max: number): string => `must be no more than ${max} bytes`

export function byteLength(text: string): number {
  let bytes = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) bytes++
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit < 0xdc00) {
      bytes += 4
      at++
    } else bytes += 3
  }
  return bytes
}

function check(value: string, max: number, matches: boolean, message: string, tooMany = tooManyCharacters): TextErrors {
  const long = value.length > max || (value.length * 3 > max && byteLength(value) > max)
  if (!long) return matches ? NONE : [message]
  return matches ? [tooMany(max)] : [tooMany(max), message]
}

/** Linear, unlike the pattern in the message. */
function isSubdomain(value: string): boolean {
  let before = DOT
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at)
    const inner = (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57)
    if (!inner && !((unit === DASH || unit === DOT) && before !== DOT && !(unit === DOT && before === DASH))) return false
    before = unit
  }
  return before !== DOT && before !== DASH
}
const DASH = 45
const DOT = 46
const UNDERSCORE = 95

/** The pattern of qualified names, without an engine for patterns: every label of every write is checked. */
function isQualified(value: string): boolean {
  const last = value.length - 1
  for (let at = 0; at <= last; at++) {
    const unit = value.charCodeAt(at)
    const alphanumeric = (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90)
    if (!alphanumeric && (at === 0 || at === last || (unit !== DASH && unit !== DOT && unit !== UNDERSCORE))) return false
  }
  return last >= 0
}

export function dnsLabelErrors(value: string): TextErrors {
  if (value.length <= DNS_LABEL_MAX && IS_DNS_LABEL.test(value)) return NONE
  return check(value, DNS_LABEL_MAX, IS_DNS_LABEL.test(value), isSubdomain(value) ? 'must not contain dots' : LABEL_MESSAGE)
}
export function dnsSubdomainErrors(value: string): TextErrors {
  return check(value, DNS_SUBDOMAIN_MAX, isSubdomain(value), SUBDOMAIN_MESSAGE)
}
/** The same where Kubernetes has written its check anew, and counts bytes. */
export function longNameErrors(value: string): TextErrors {
  return check(value, DNS_SUBDOMAIN_MAX, isSubdomain(value), SUBDOMAIN_MESSAGE, tooManyBytes)
}
/** A subdomain whose labels may have underscores: what a resolver searches. */
export function relaxedSubdomainErrors(value: string): TextErrors {
  return check(
    value,
    DNS_SUBDOMAIN_MAX,
    value.split('.').every((label) => IS_RELAXED_LABEL.test(label)),
    RELAXED_SUBDOMAIN_MESSAGE,
  )
}
export function dns1035LabelErrors(value: string): TextErrors {
  return check(value, DNS_LABEL_MAX, IS_DNS1035_LABEL.test(value), DNS1035_MESSAGE)
}
/** `*.example.com`. */
export function wildcardSubdomainErrors(value: string): TextErrors {
  return check(value, DNS_SUBDOMAIN_MAX, value.startsWith('*.') && isSubdomain(value.slice(2)), WILDCARD_MESSAGE)
}

/** A label key, an annotation key, a finalizer, …: `name` or `prefix.example.com/name`. `what` starts the message about extra slashes. */
export function qualifiedNameErrors(value: string, what = 'a valid label key'): TextErrors {
  const slash = value.indexOf('/')
  const name = slash === -1 ? value : value.slice(slash + 1)
  const prefixed = slash === -1 || (slash > 0 && slash <= DNS_SUBDOMAIN_MAX && isSubdomain(value.slice(0, slash)))
  if (prefixed && name.length <= 63 && isQualified(name)) return NONE
  if (name.includes('/')) return [`${what} ${QUALIFIED_MESSAGE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  const errors: string[] = []
  if (slash === 0) errors.push(`prefix part ${EMPTY}`)
  if (slash > 0) errors.push(...longNameErrors(value.slice(0, slash)).map((error) => `prefix part ${error}`))
  if (name === '') errors.push(`name part ${EMPTY}`)
  else if (byteLength(name) > 63) errors.push(`name part ${tooManyBytes(63)}`)
  if (!isQualified(name)) errors.push(`name part ${QUALIFIED_MESSAGE}`)
  return errors
}

export function labelValueErrors(value: string): TextErrors {
  if (value === '' || (value.length <= 63 && isQualified(value))) return NONE
  const errors: string[] = []
  if (byteLength(value) > 63) errors.push(tooManyBytes(63))
  if (!isQualified(value)) errors.push(LABEL_VALUE_MESSAGE)
  return errors
}

/** `example.com/path`. */
export function domainPrefixedPathErrors(value: string): TextErrors {
  const slash = value.indexOf('/')
  if (slash <= 0 || slash === value.length - 1) return ['must be a domain-prefixed path (such as "acme.io/foo")']
  const errors = dnsSubdomainErrors(value.slice(0, slash)).map((error) => `prefix part ${error}`)
  return /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(value.slice(slash + 1))
    ? errors
    : [...errors, 'must be a valid path: must consist of characters allowed in a URL path']
}

export function cIdentifierErrors(value: string): TextErrors {
  return IS_C_IDENTIFIER.test(value) ? NONE : [C_IDENTIFIER_MESSAGE]
}

/** Names that a shell can use. */
export function envVarNameErrors(value: string): TextErrors {
  const errors = IS_ENV_VAR_NAME.test(value) ? [] : [ENV_VAR_MESSAGE]
  return [...errors, ...dotNameErrors(value)]
}
/** Names of the variables of a container: anything printable but `=`. */
export function relaxedEnvVarNameErrors(value: string): TextErrors {
  if (value === '') return ['environment variable name must be non-empty']
  return /^[ -<>-~]+$/.test(value)
    ? NONE
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}
/** Keys of ConfigMaps and Secrets. */
export function configMapKeyErrors(value: string): TextErrors {
  return [...check(value, DNS_SUBDOMAIN_MAX, IS_CONFIG_KEY.test(value), CONFIG_KEY_MESSAGE), ...dotNameErrors(value)]
}
function dotNameErrors(value: string): TextErrors {
  if (value === '.') return ["must not be '.'"]
  if (value === '..') return ["must not be '..'"]
  return value.startsWith('..') ? ["must not start with '..'"] : NONE
}

/** A name for a port (IANA service name). */
export function portNameErrors(value: string): TextErrors {
  const errors: string[] = []
  if (byteLength(value) > 15) errors.push(tooManyCharacters(15))
  if (!IS_PORT_NAME.test(value)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)')
  if (value.includes('--')) errors.push('must not contain consecutive hyphens')
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen')
  return errors
}
export function portNumberErrors(port: number): TextErrors {
  return port >= 1 && port <= 65535 ? NONE : ['must be between 1 and 65535, inclusive']
}
export function percentErrors(value: string): TextErrors {
  return IS_PERCENT.test(value) ? NONE : [PERCENT_MESSAGE]
}
export function httpHeaderErrors(value: string): TextErrors {
  return IS_HTTP_HEADER.test(value) ? NONE : [HTTP_HEADER_MESSAGE]
}

/** What no object's name may be or contain, because it is a segment of a path. */
export function pathSegmentErrors(name: string, isPrefix = false): TextErrors {
  if (!isPrefix && (name === '.' || name === '..')) return [`may not be '${name}'`]
  return ['/', '%'].filter((illegal) => name.includes(illegal)).map((illegal) => `may not contain '${illegal}'`)
}

/** How a kind checks `metadata.name`; a `generateName` is a prefix, which may end in a dash. */
export type NameRule = (name: string, isPrefix: boolean) => TextErrors

const maskTrailingDash = (name: string): string => (name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name)
const nameRule =
  (errors: (name: string) => TextErrors): NameRule =>
  (name, isPrefix) =>
    errors(isPrefix ? maskTrailingDash(name) : name)

export const nameIsDnsSubdomain: NameRule = nameRule(dnsSubdomainErrors)
export const nameIsDnsLabel: NameRule = nameRule(dnsLabelErrors)
export const nameIsPathSegment: NameRule = (name, isPrefix) => pathSegmentErrors(name, isPrefix)
