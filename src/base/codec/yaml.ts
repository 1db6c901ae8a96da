import * as yaml from 'yaml'
import { SampanError } from '../errors.ts'
import type { FieldPlace } from './json-places.ts'
import { DEFAULT_JSON_LIMITS, type JsonDocument, type JsonLimits, JsonTooLarge } from './json.ts'
import { brokenUtf8 } from './broken-utf8.ts'
import { foldYaml } from './yaml-fold.ts'
import { scalarOf } from './yaml-scalars.ts'

/**
 * YAML as Kubernetes reads it: the words of YAML 1.1 (`yes` is true, `0644` is 420) without its sexagesimal numbers and dates; every value
 * is one that JSON has, and keys come in sorted order, because Kubernetes goes through JSON.
 */

/** The text is not YAML. The message begins with `yaml: `. */
export class YamlSyntaxError extends SampanError {
  readonly code = 'YAML_SYNTAX'
}

/** A document may grow by its aliases to this many values, and no further. */
const MAX_ALIASES = 1000

const utf8 = new TextDecoder('utf-8')
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NO_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/

function textOf(bytes: Uint8Array): string {
  const broken = brokenUtf8(bytes)
  const text = utf8.decode(broken === undefined ? bytes : bytes.subarray(0, broken.at))
  if (NO_TEXT.test(text)) throw new YamlSyntaxError('yaml: control characters are not allowed')
  if (broken !== undefined) throw new YamlSyntaxError(`yaml: ${broken.why}`)
  return text
}

/** Reads one document; an empty one is `undefined`. Throws `YamlSyntaxError` or `JsonTooLarge`. */
export function readYaml(bytes: Uint8Array, limits: JsonLimits = DEFAULT_JSON_LIMITS): JsonDocument {
  const [first] = readAll(textOf(checkSize(bytes, limits)), limits)
  return first ?? { value: undefined, duplicates: [], places: () => [] }
}

/** Reads all documents of a stream; empty ones are left out. */
export function readYamlDocuments(text: string, limits: JsonLimits = DEFAULT_JSON_LIMITS): unknown[] {
  return readAll(text, limits).map((document) => document.value)
}

/**
 * Writes a value as Kubernetes does: block style, sorted keys, no aliases; texts that would be read as something else in double quotes,
 * those that cannot stand alone in single ones.
 */
export function writeYaml(value: unknown): string {
  const document = new yaml.Document(value, { version: '1.1', aliasDuplicateObjects: false, sortMapEntries: true, customTags: onlyAsked })
  yaml.visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== 'string') return
      const { value: text } = node
      if (scalarOf(text, true, undefined) !== text || OTHER_WORDS.test(text) || UNPRINTABLE.test(text)) node.type = 'QUOTE_DOUBLE'
      else if (/^(?:---|\.\.\.)(?:\s|$)/.test(text) || (text.includes("'") && !text.includes('\n') && MUST_BE_QUOTED.test(text)))
        node.type = 'QUOTE_SINGLE'
    },
  })
  const text = document.toString({ indentSeq: false, lineWidth: 0, singleQuote: true })
  return foldYaml(text.replace(ASTRAL, (one) => `\\U${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(8, '0')}`))
}

/** What a text could be taken for is asked of `scalarOf`, not of the library, to which a lone dot is a number. */
function onlyAsked(tags: yaml.Tags): yaml.Tags {
  return tags.map((tag) => (typeof tag === 'object' && 'test' in tag ? { ...tag, test: undefined } : tag)) as yaml.Tags
}
/** Of one line. */
const MUST_BE_QUOTED = /^[ ,[\]{}#&*!|>'"%@`]|^[?-](?: |$)|: | #|[ :]$/

/** Texts with these are written with escapes. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u{10000}-\u{10ffff}]/u
const ASTRAL = /[\u{10000}-\u{10ffff}]/gu
/** Dates, sexagesimals and what is no number, which some readers take for values of their own. */
const OTHER_WORDS = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\d{4}-\d\d?-\d\d?(?:[Tt ].*)?|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?)$/

function checkSize(bytes: Uint8Array, limits: JsonLimits): Uint8Array {
  if (bytes.length > limits.maxBytes) throw new JsonTooLarge(`${bytes.length} bytes are more than the ${limits.maxBytes} allowed`)
  return bytes
}

function readAll(text: string, limits: JsonLimits): JsonDocument[] {
  const documents = yaml.parseAllDocuments(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    strict: true,
  })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw new YamlSyntaxError(goMessage(error, text))
    return isEmpty(document.contents) ? [] : [new Conversion(document, text, limits).result()]
  })
}

/** What stands between two separators may be nothing, or a comment. */
function isEmpty(contents: yaml.ParsedNode | null): boolean {
  return contents === null || ('type' in contents && contents.type === 'PLAIN' && contents.source === '')
}

/** The library's errors in the words of the one that Kubernetes uses, for those that people meet. */
const MESSAGES: Readonly<Partial<Record<yaml.ErrorCode, string>>> = {
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context',
  BAD_INDENT: 'did not find expected key',
  TAB_AS_INDENT: 'found character that cannot start any token',
  DUPLICATE_KEY: 'mapping key already defined',
  MULTILINE_IMPLICIT_KEY: "could not find expected ':'",
}

/** Go counts lines from 0 when the parser complains and from 1 when the scanner does, and leaves the first line out. */
const PARSER_ERRORS: readonly yaml.ErrorCode[] = ['MISSING_CHAR', 'BAD_INDENT']

function goMessage(error: yaml.YAMLError, text: string): string {
  const place = text.slice(0, placeOf(error, text)).split('\n').length - 1
  const line = PARSER_ERRORS.includes(error.code) ? Math.max(place, 1) : place === 0 ? 0 : place + 1
  return `yaml: ${line === 0 ? '' : `line ${line}: `}${wordsOf(error)}`
}

/** The library has one code for lists and maps that never end and for lines that are not indented as they should be. */
function wordsOf(error: yaml.YAMLError): string {
  if (error.code === 'MISSING_CHAR' || (error.code === 'BAD_INDENT' && error.message.startsWith('Flow')))
    return `did not find expected ',' or '${/map/i.test(error.message) && !/sequence/i.test(error.message) ? '}' : ']'}'`
  return MESSAGES[error.code] ?? error.message
}

/** A value that goes on as a key is told at the colon that gives it away, by the library at its beginning. */
function placeOf(error: yaml.YAMLError, text: string): number {
  if (error.code !== 'BLOCK_AS_IMPLICIT_KEY') return error.pos[1]
  return error.pos[0] + Math.max(text.slice(error.pos[0]).search(/:(?:\s|$)/), 0)
}

/** Turns the nodes of one document into values, counting what aliases multiply. */
class Conversion {
  readonly #document: yaml.Document.Parsed
  readonly #text: string
  readonly #limits: JsonLimits
  readonly #places: FieldPlace[] = []
  #aliases = 0

  constructor(document: yaml.Document.Parsed, text: string, limits: JsonLimits) {
    this.#document = document
    this.#text = text
    this.#limits = limits
  }

  result(): JsonDocument {
    const value = this.#value(this.#document.contents, '', 1)
    const places = this.#places
    return { value, duplicates: places.filter((place) => place.duplicate).map((place) => place.path), places: () => places }
  }

  #value(node: unknown, path: string, depth: number): unknown {
    if (depth > this.#limits.maxDepth) throw new JsonTooLarge('exceeded max depth')
    const { isAlias, isMap, isScalar, isSeq } = yaml
    if (node === null || node === undefined) return null
    if (isAlias(node)) {
      if (++this.#aliases > MAX_ALIASES) throw new JsonTooLarge('yaml: document contains excessive aliasing')
      const target = node.resolve(this.#document)
      if (target === undefined) throw new YamlSyntaxError(`yaml: unknown anchor '${node.source}' referenced`)
      return this.#value(target, path, depth + 1)
    }
    if (isScalar(node)) return scalarOf(String(node.source ?? node.value ?? ''), node.type === 'PLAIN' || node.type === undefined, node.tag)
    if (isSeq(node)) return node.items.map((item, at) => this.#value(item, `${path}[${at}]`, depth + 1))
    return isMap(node) ? this.#map(node, path, depth) : null
  }

  /** From 1. */
  #lineOf(node: unknown): number {
    const at = yaml.isNode(node) ? (node.range?.[0] ?? 0) : 0
    return this.#text.slice(0, at).split('\n').length
  }

  #map(node: yaml.YAMLMap, path: string, depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>()
    const merged: Record<string, unknown>[] = []
    for (const { key, value } of node.items) {
      const name = keyText(this.#value(key, path, depth + 1))
      const place = path === '' ? name : `${path}.${name}`
      const content = this.#value(value, place, depth + 1)
      if (name === '<<') {
        merged.push(
          ...[content]
            .flat()
            .filter((item) => typeof item === 'object' && item !== null)
            .map((item) => item as Record<string, unknown>),
        )
        continue
      }
      const duplicate = entries.has(name)
      this.#places.push({
        path: place,
        duplicate,
        ...(duplicate ? { told: `line ${this.#lineOf(key)}: key ${JSON.stringify(name)} already set in map` } : {}),
      })
      entries.set(name, content)
    }
    for (const source of merged) for (const [name, content] of Object.entries(source)) if (!entries.has(name)) entries.set(name, content)
    const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(sorted)
  }
}

/** JSON has only texts for keys. */
function keyText(key: unknown): string {
  return typeof key === 'string' ? key : key === null ? 'null' : typeof key === 'object' ? JSON.stringify(key) : String(key)
}
