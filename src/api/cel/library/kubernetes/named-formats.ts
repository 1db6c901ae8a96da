import { hasFormat } from '../../../structural/validate/formats.ts'
import {
  dns1035LabelErrors,
  dnsLabelErrors,
  dnsSubdomainErrors,
  labelValueErrors,
  qualifiedNameErrors,
  type TextErrors,
} from '../../../validation/names.ts'
import { ArrayList } from '../../values/containers.ts'
import { Opaque, Optional, type Outcome } from '../../values/value.ts'
import type { Declaration, Library } from '../../types/functions.ts'
import { parseRequestUri } from './urls.ts'

const TYPE = 'kubernetes.NamedFormat'

export class FormatValue extends Opaque {
  readonly typeName = TYPE
  readonly name: string
  readonly check: (text: string) => TextErrors
  /** How long a pattern the check is like; costs are counted by it. */
  readonly patternLength: number
  constructor(name: string, patternLength: number, check: (text: string) => TextErrors) {
    super()
    this.name = name
    this.patternLength = patternLength
    this.check = check
  }
  equals(other: Opaque): boolean {
    return other instanceof FormatValue && other.name === this.name
  }
}

/** What a generated name begins with may end in a hyphen, since something follows. */
const asPrefix =
  (check: (text: string) => TextErrors) =>
  (text: string): TextErrors =>
    check(text.endsWith('-') && text.length > 1 ? `${text.slice(0, -1)}a` : text)
const openApi =
  (format: string, message: string) =>
  (text: string): TextErrors =>
    hasFormat(format, text) ? [] : [message]
const uri = (text: string): TextErrors => {
  const url = parseRequestUri(text)
  return typeof url === 'string' ? [url] : []
}

const DATE_TIME_PATTERN = 103
const UUID_PATTERN = 74
const FORMATS: Readonly<Record<string, FormatValue>> = {
  dns1123Label: new FormatValue('DNS1123Label', 30, dnsLabelErrors),
  dns1123Subdomain: new FormatValue('DNS1123Subdomain', 60, dnsSubdomainErrors),
  dns1035Label: new FormatValue('DNS1035Label', 30, dns1035LabelErrors),
  qualifiedName: new FormatValue('QualifiedName', 60, (text) => qualifiedNameErrors(text)),
  dns1123LabelPrefix: new FormatValue('DNS1123LabelPrefix', 30, asPrefix(dnsLabelErrors)),
  dns1123SubdomainPrefix: new FormatValue('DNS1123SubdomainPrefix', 60, asPrefix(dnsSubdomainErrors)),
  dns1035LabelPrefix: new FormatValue('DNS1035LabelPrefix', 30, asPrefix(dns1035LabelErrors)),
  labelValue: new FormatValue('LabelValue', 40, labelValueErrors),
  uri: new FormatValue('URI', 1103, uri),
  uuid: new FormatValue('uuid', UUID_PATTERN, openApi('uuid', 'does not match the UUID format')),
  byte: new FormatValue('byte', 84, openApi('byte', 'invalid base64')),
  date: new FormatValue('date', DATE_TIME_PATTERN, openApi('date', 'invalid date')),
  datetime: new FormatValue('datetime', DATE_TIME_PATTERN, openApi('date-time', 'invalid datetime')),
}

function validate(format: FormatValue, text: string): Outcome {
  const errors = format.check(text)
  return errors.length === 0 ? Optional.none : Optional.of(new ArrayList(errors))
}

export const namedFormats: Library = [
  ...Object.entries(FORMATS).map(([name, format]): Declaration => [`format.${name}`, `format.${name}`, `() -> ${TYPE}`, () => format]),
  ['validate', 'format-validate', `${TYPE}.(string) -> optional(list(string))`, validate],
  [
    'format.named',
    'format-named',
    `(string) -> optional(${TYPE})`,
    (name: string) => (Object.hasOwn(FORMATS, name) ? Optional.of(FORMATS[name] as FormatValue) : Optional.none),
  ],
]
