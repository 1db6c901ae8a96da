import type { JsonSchema } from '../json-schema.ts'
import { canonicalTime } from '../../schema/decode/times.ts'
import { parseCidr, parseIp } from '../../validation/ip.ts'
import { dnsLabelErrors, dnsSubdomainErrors } from '../../validation/names.ts'

/** The formats of strings that are checked; others are only documentation. */
const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  bsonobjectid: (value) => /^[0-9a-fA-F]{24}$/.test(value),
  byte: isBase64,
  cidr: (value) => value.includes('/') && parseCidr(value) !== undefined,
  creditcard: isCreditCard,
  date: isDate,
  'date-time': isDateTime,
  datetime: isDateTime,
  duration: isDuration,
  email: isEmail,
  hexcolor: (value) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(value),
  hostname: isHostname,
  ipv4: (value) => !value.includes(':') && parseIp(value) !== undefined,
  ipv6: (value) => value.includes(':') && parseIp(value) !== undefined,
  isbn: (value) => isIsbn10(value) || isIsbn13(value),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  'k8s-long-name': (value) => dnsSubdomainErrors(value).length === 0,
  'k8s-short-name': (value) => dnsLabelErrors(value).length === 0,
  mac: (value) =>
    /^([0-9a-fA-F]{2}([-:])(?:[0-9a-fA-F]{2}\2){4}(?:[0-9a-fA-F]{2}\2[0-9a-fA-F]{2}\2)?[0-9a-fA-F]{2})$|^([0-9a-fA-F]{4}\.){2,3}[0-9a-fA-F]{4}$/.test(
      value,
    ),
  password: () => true,
  rgbcolor: isRgbColor,
  ssn: (value) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(value),
  uri: isUri,
  uuid: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value),
  uuid3: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value),
  uuid4: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(value),
  uuid5: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(value),
}

export function isKnownFormat(format: string): boolean {
  return Object.hasOwn(FORMATS, format)
}

/** Whether a schema of the type may have the format; one that it may not have is not looked at. */
export function isFormatOf(type: string, format: string): boolean {
  if (type === '' || type === 'string') return isKnownFormat(format.replaceAll('-', '')) || isKnownFormat(format)
  if (type === 'integer') return format === 'int32' || format === 'int64'
  return type === 'number' && (format === 'float' || format === 'double')
}

/** The format that a value is looked at for; empty when there is none. */
export const formatOf = ({ type = '', format = '' }: JsonSchema): string => (format !== '' && isFormatOf(type, format) ? format : '')

/** True for formats that are not known. */
export function hasFormat(format: string, value: string): boolean {
  return !isKnownFormat(format) || (FORMATS[format]?.(value) ?? true)
}

function isBase64(value: string): boolean {
  return value !== '' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
}

function luhn(digits: string): boolean {
  let sum = 0
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at])
    const doubled = at % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

const CARD =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11}|6[27]\d{14})$/

function isCreditCard(value: string): boolean {
  const digits = value.replaceAll(/[^0-9]+/g, '')
  return CARD.test(digits) && luhn(digits)
}

function isDate(value: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value)
  if (match === null) return false
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const date = new Date(Date.UTC(year, month - 1, day))
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

function isDateTime(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:z|[+-]\d{2}:\d{2})$/i.test(value)) return false
  try {
    canonicalTime(value.toUpperCase())
    return true
  } catch {
    return false
  }
}

const GO_DURATION = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$|^[+-]?0$/
const WORD_DURATION =
  /^\s*((?:\d+)\s*(?:ns|nanosecond|nanoseconds|us|µs|microsecond|microseconds|ms|milli|millis|millisecond|milliseconds|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days|w|week|weeks)\s*)+$/i
const ISO_DURATION = /^P(?=.)(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$/

function isDuration(value: string): boolean {
  return GO_DURATION.test(value) || WORD_DURATION.test(value) || ISO_DURATION.test(value)
}

function isEmail(value: string): boolean {
  return /^(?:"[^"]*"|[^\s<>@,"]+)?(?:\s*<)?[^\s<>@,]+@[^\s<>@,]+>?$/.test(value) && !/\.\.|^\.|\.@/.test(value)
}

function isHostname(value: string): boolean {
  return (
    value.length <= 255 &&
    value
      .split('.')
      .every(
        (label) => label.length <= 63 && /^[a-zA-Z0-9\u0080-\uffff]([-a-zA-Z0-9_\u0080-\uffff]*[a-zA-Z0-9\u0080-\uffff])?$/.test(label),
      )
  )
}

function isIsbn10(value: string): boolean {
  const text = value.replaceAll(/[\s-]+/g, '')
  if (!/^\d{9}[\dX]$/.test(text)) return false
  const sum = [...text].reduce((total, digit, at) => total + (10 - at) * (digit === 'X' ? 10 : Number(digit)), 0)
  return sum % 11 === 0
}

function isIsbn13(value: string): boolean {
  const text = value.replaceAll(/[\s-]+/g, '')
  if (!/^\d{13}$/.test(text)) return false
  const sum = [...text].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0)
  return sum % 10 === 0
}

function isRgbColor(value: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(value)
  return match !== null && match.slice(1).every((part) => Number(part) <= 255)
}

/** An absolute URL or an absolute path. */
function isUri(value: string): boolean {
  if (value.startsWith('/')) return !/\s/.test(value)
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(value) && URL.canParse(value)
}
