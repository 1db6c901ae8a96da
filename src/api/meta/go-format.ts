import { isJsonObject } from './deep.ts'

/** A JSON value as Go's `%v` prints it, which some messages do: `map[a:1 b:[x y]]`. */
export const goValue = (value: unknown): string => printed(value, (leaf) => (leaf === null || leaf === undefined ? '<nil>' : String(leaf)))

/** A JSON value as Go's `%s` prints it, for which whatever is no text is a mistake: `%!s(int64=1)`. */
export const goText = (value: unknown): string =>
  printed(value, (leaf) => {
    if (typeof leaf === 'string') return leaf
    return leaf === null || leaf === undefined ? '%!s(<nil>)' : `%!s(${goTypeName(leaf)}=${String(leaf)})`
  })

/** Lists and maps, these with their keys in order, around what is printed of everything else. */
function printed(value: unknown, leaf: (value: unknown) => string): string {
  if (Array.isArray(value)) return `[${value.map((item) => printed(item, leaf)).join(' ')}]`
  if (!isJsonObject(value)) return leaf(value)
  const members = Object.keys(value).sort()
  return `map[${members.map((key) => `${key}:${printed(value[key], leaf)}`).join(' ')}]`
}

const GO_ESCAPES: Readonly<Record<string, string>> = { '\u0007': '\\a', '\u000b': '\\v' }
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNPRINTED = /[\u0000-\u0007\u000b\u000e-\u001f\u007f-\u00a0\u00ad]/
const UNPRINTED_ALL = new RegExp(UNPRINTED, 'g')

/** A text as Go's `%q` quotes it, which is how JSON does but for control characters. */
export function goQuote(text: string): string {
  if (!UNPRINTED.test(text)) return JSON.stringify(text)
  const pieces = text.split(UNPRINTED_ALL).map((piece) => JSON.stringify(piece).slice(1, -1))
  const marks = text.match(UNPRINTED_ALL) ?? []
  return `"${pieces.map((piece, at) => piece + (marks[at] === undefined ? '' : goEscape(marks[at]))).join('')}"`
}

function goEscape(character: string): string {
  const code = character.charCodeAt(0)
  return GO_ESCAPES[character] ?? (code < 0x80 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`)
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')

/** A JSON value as Go's `%#v` prints it: `map[string]interface {}{"a":1}`. */
export function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)'
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (!isJsonObject(value)) return String(value)
  const members = Object.keys(value).sort()
  return `map[string]interface {}{${members.map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`).join(', ')}}`
}

/** The Go type that a decoded JSON value has, as `%T` prints it. */
export function goTypeName(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}

/** What encoding/json calls a value that does not fit: `cannot unmarshal array into Go value of type …`. */
export function jsonTypeName(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return 'bool'
  return Array.isArray(value) ? 'array' : typeof value
}
