import { codePointLength } from '../syntax/issues.ts'
import { ArrayList, items } from '../values/containers.ts'
import { CelError } from '../values/error.ts'
import type { Int } from '../values/numbers.ts'
import { LONGEST_TEXT, formatValue } from '../values/text.ts'
import { typeNameOf } from '../values/types.ts'
import type { ListValue, Outcome } from '../values/value.ts'
import type { Library } from '../types/functions.ts'
import { FormatProblem, formatText } from './format-string.ts'

const outOfRange = (index: Int): CelError => new CelError(`index out of range: ${index}`)
const TOO_LONG = new CelError('the text is too long')

/** Code points; texts without surrogates are their own. */
// oxlint-disable-next-line no-control-regex -- ASCII is what it asks for
const ASCII = /^[\u0000-\u007f]*$/
const points = (text: string): readonly string[] | string => (ASCII.test(text) ? text : [...text])
const joined = (part: readonly string[] | string): string => (typeof part === 'string' ? part : part.join(''))

function charAt(text: string, index: Int): Outcome {
  const all = points(text)
  if (index < 0 || index > all.length) return outOfRange(index)
  return all[Number(index)] ?? ''
}

function substring(text: string, start: Int, end?: Int): Outcome {
  const all = points(text)
  const last = end ?? all.length
  if (end !== undefined && start > end) return new CelError(`invalid substring range. start: ${start}, end: ${end}`)
  if (start < 0 || start > all.length) return outOfRange(start)
  if (last < 0 || last > all.length) return outOfRange(last)
  return joined(all.slice(Number(start), Number(last)))
}

function indexOf(text: string, part: string, offset: Int = 0): Outcome {
  if (part === '') return offset
  if (offset < 0) return outOfRange(offset)
  const all = points(text)
  if (offset >= all.length) return -1
  if (typeof all === 'string') return all.indexOf(part, Number(offset))
  const skipped = all.slice(0, Number(offset)).join('').length
  return pointsBefore(text, text.indexOf(part, skipped))
}

function lastIndexOf(text: string, part: string, offset?: Int): Outcome {
  const all = points(text)
  if (part === '') return offset ?? all.length
  if (offset === undefined && text.length < part.length) return -1
  const from = offset ?? all.length - 1
  if (from < 0) return outOfRange(from)
  if (from >= all.length) return -1
  if (typeof all === 'string') return all.lastIndexOf(part, Number(from))
  const units = all.slice(0, Number(from)).join('').length
  return pointsBefore(text, text.lastIndexOf(part, units))
}

const pointsBefore = (text: string, units: number): number => (units === -1 ? -1 : codePointLength(text.slice(0, units)))

function replace(text: string, from: string, to: string, limit: Int = -1): Outcome {
  const most = limit < 0 ? Number.POSITIVE_INFINITY : Number(limit)
  if (from === to || most === 0) return text
  const parts = from === '' ? Array.from({ length: points(text).length + 2 }, () => '') : text.split(from)
  const times = Math.min(parts.length - 1, most)
  if (text.length + times * to.length > LONGEST_TEXT) return TOO_LONG
  // Between the characters of a text stands the empty text, but not twice before the first.
  if (from === '') {
    const all = Array.from(points(text))
    return all.map((point, i) => (i < times ? to + point : point)).join('') + (times > all.length ? to : '')
  }
  if (times === parts.length - 1) return parts.join(to)
  return [parts.slice(0, times + 1).join(to), ...parts.slice(times + 1)].join(from)
}

function split(text: string, separator: string, limit: Int = -1): Outcome {
  if (limit === 0) return new ArrayList([])
  const parts = separator === '' ? [...text] : text.split(separator)
  if (limit < 0 || parts.length <= limit) return new ArrayList(parts)
  const kept = Number(limit) - 1
  return new ArrayList([...parts.slice(0, kept), parts.slice(kept).join(separator)])
}

export function join(list: ListValue, separator = ''): Outcome {
  const texts: string[] = []
  let length = 0
  for (const item of items(list)) {
    if (item instanceof CelError) return item
    if (typeof item !== 'string') return new CelError(`join: invalid input: ${typeNameOf(item)}`)
    length += item.length + separator.length
    if (length > LONGEST_TEXT) return TOO_LONG
    texts.push(item)
  }
  return texts.join(separator)
}

const QUOTED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const quote = (text: string): Outcome => `"${text.replaceAll(/[\u0007\b\f\n\r\t\v\\"]/g, (mark) => QUOTED[mark] ?? mark).toWellFormed()}"`

/** What Go takes for white space at the ends of a text. */
const SPACE = String.raw`[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+`
const ENDS = new RegExp(`^${SPACE}|${SPACE}$`, 'g')
export const trimSpace = (text: string): string => text.replaceAll(ENDS, '')

function format(text: string, list: ListValue): Outcome {
  try {
    return formatText(text, {
      demand: (index) => {
        if (index >= list.size) throw new FormatProblem(`index ${index} out of range`)
      },
      clause: (index, verb, precision) => {
        const value = list.at(index)
        if (value instanceof CelError) throw new FormatProblem(value.message)
        return formatValue(value, verb, precision)
      },
    }).text
  } catch (problem) {
    if (problem instanceof FormatProblem) return new CelError(problem.message)
    throw problem
  }
}

export const strings: Library = [
  ['contains', 'contains_string', 'string.(string) -> bool', (text: string, part: string) => text.includes(part)],
  ['startsWith', 'starts_with_string', 'string.(string) -> bool', (text: string, part: string) => text.startsWith(part)],
  ['endsWith', 'ends_with_string', 'string.(string) -> bool', (text: string, part: string) => text.endsWith(part)],
  ['charAt', 'string_char_at_int', 'string.(int) -> string', charAt],
  ['indexOf', 'string_index_of_string', 'string.(string) -> int', indexOf],
  ['indexOf', 'string_index_of_string_int', 'string.(string, int) -> int', indexOf],
  ['lastIndexOf', 'string_last_index_of_string', 'string.(string) -> int', lastIndexOf],
  ['lastIndexOf', 'string_last_index_of_string_int', 'string.(string, int) -> int', lastIndexOf],
  ['lowerAscii', 'string_lower_ascii', 'string.() -> string', (text: string) => text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase())],
  ['upperAscii', 'string_upper_ascii', 'string.() -> string', (text: string) => text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase())],
  ['replace', 'string_replace_string_string', 'string.(string, string) -> string', replace],
  ['replace', 'string_replace_string_string_int', 'string.(string, string, int) -> string', replace],
  ['split', 'string_split_string', 'string.(string) -> list(string)', split],
  ['split', 'string_split_string_int', 'string.(string, int) -> list(string)', split],
  ['substring', 'string_substring_int', 'string.(int) -> string', substring],
  ['substring', 'string_substring_int_int', 'string.(int, int) -> string', substring],
  ['trim', 'string_trim', 'string.() -> string', trimSpace],
  ['format', 'string_format', 'string.(list(dyn)) -> string', format],
  ['strings.quote', 'strings_quote', '(string) -> string', quote],
  ['join', 'list_join', 'list(string).() -> string', join],
  ['join', 'list_join_string', 'list(string).(string) -> string', join],
]
