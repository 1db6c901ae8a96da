import * as yaml from 'yaml'
import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, type Value, WholeFloat, dict, isDict, isWhole, pathText } from '../value.ts'
import { plainScalar } from './scalar.ts'

/** One YAML document of a Compose file. */
export interface Document {
  readonly root: Value
  /** Paths that were marked `!reset` or `!override`: what earlier files say there is forgotten. */
  readonly cleared: readonly Path[]
  /** The line, from 1, of a path's key, or of the nearest one above it that stands in this document. */
  lineOf(path: Path): number | undefined
  /** The line of just this key. */
  lineAt(path: Path): number | undefined
}

const MAX_BYTES = 4 << 20
const MAX_DEPTH = 100
const CONTROL = /[^\P{Cc}\t\n\r\u0085]/u
/** An escaped slash, which the reader of Compose does not know. */
const SLASH = /(?:^|[^\\])(?:\\\\)*\\\//
/** How many values aliases may bring in, all together. */
const MAX_ALIASED = 20_000

/** Reads all documents of a file, unquoted scalars by `scalarOf`; empty ones are left out. Throws `ComposeRefused` for what is not YAML, or too large. */
export function readDocuments(text: string, file: string, scalarOf: (text: string) => Value = plainScalar): Document[] {
  if (text.length > MAX_BYTES) throw new ComposeRefused(`larger than ${MAX_BYTES} bytes`, { file })
  if (CONTROL.test(text)) throw new ComposeRefused('yaml: control characters are not allowed', { file })
  const counter = new yaml.LineCounter()
  const parsed = yaml.parseAllDocuments(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    strict: true,
    lineCounter: counter,
  })
  if (!Array.isArray(parsed)) return []
  return parsed.flatMap((document) => {
    const [error] = document.errors
    if (error !== undefined) throw new ComposeRefused(`yaml: ${error.message}`, { file, line: counter.linePos(error.pos[0]).line })
    const { contents, directives } = document
    if (directives.yaml.explicit === true && directives.yaml.version !== '1.1')
      throw new ComposeRefused('yaml: found incompatible YAML document', { file })
    const empty = contents === null || (yaml.isScalar(contents) && contents.type === 'PLAIN' && contents.source === '')
    if (empty && directives.docStart !== true) return []
    return [new Reader(document, { text, file }, (offset) => counter.linePos(offset).line, scalarOf).read()]
  })
}

class Reader {
  readonly #document: yaml.Document.Parsed
  readonly #file: string
  readonly #text: string
  readonly #line: (offset: number) => number
  readonly #lines = new Map<string, number>()
  readonly #cleared: Path[] = []
  readonly #scalarOf: (text: string) => Value
  #aliased = 0
  #inAlias = 0
  /** What is below `!override` is taken as it is. */
  #inOverride = 0

  constructor(
    document: yaml.Document.Parsed,
    { text, file }: { readonly text: string; readonly file: string },
    line: (offset: number) => number,
    scalarOf: (text: string) => Value,
  ) {
    this.#text = text
    this.#scalarOf = scalarOf
    this.#document = document
    this.#file = file
    this.#line = line
  }

  read(): Document {
    const root = this.#value(this.#document.contents, [], 1) ?? null
    const lines = this.#lines
    return {
      root,
      cleared: this.#cleared,
      lineAt: (path) => lines.get(pathText(path)),
      lineOf: (path) => {
        for (let length = path.length; length > 0; length--) {
          const line = lines.get(pathText(path.slice(0, length)))
          if (line !== undefined) return line
        }
        return undefined
      },
    }
  }

  #refuse(reason: string, node: unknown): never {
    const range = yaml.isNode(node) ? node.range : undefined
    throw new ComposeRefused(reason, { file: this.#file, ...(range ? { line: this.#line(range[0]) } : {}) })
  }

  /** `undefined` for what was marked `!reset`. */
  #value(node: unknown, path: Path, depth: number): Value | undefined {
    if (depth > MAX_DEPTH) this.#refuse(`nested deeper than ${MAX_DEPTH}`, node)
    if (this.#inAlias > 0 && ++this.#aliased > MAX_ALIASED) this.#refuse('yaml: document contains excessive aliasing', node)
    if (node === null || node === undefined) return null
    if (yaml.isAlias(node)) return this.#alias(node, path, depth)
    if (!yaml.isNode(node)) return null
    const tag = node.tag ?? ''
    if (this.#inOverride === 0 && (tag === '!reset' || tag === '!override')) {
      this.#cleared.push(path)
      if (tag === '!reset') return undefined
      this.#inOverride++
      const value = this.#content(node, tag, path, depth)
      this.#inOverride--
      return value
    }
    return this.#content(node, tag, path, depth)
  }

  #content(node: yaml.Node, tag: string, path: Path, depth: number): Value {
    if (yaml.isScalar(node)) return this.#scalar(node, tag)
    if (yaml.isSeq(node)) {
      return node.items.map((item, at) => this.#value(item, [...path, `[${at}]`], depth + 1)).filter((item) => item !== undefined)
    }
    return yaml.isMap(node) ? this.#map(node, path, depth) : null
  }

  #alias(node: yaml.Alias, path: Path, depth: number): Value | undefined {
    const target = node.resolve(this.#document)
    if (target === undefined) this.#refuse(`yaml: unknown anchor '${node.source}' referenced`, node)
    if (target.range && node.range && target.range[2] > node.range[0]) this.#refuse(`anchor '${node.source}' contains itself`, node)
    this.#inAlias++
    const value = this.#value(target, path, depth + 1)
    this.#inAlias--
    return value
  }

  #scalar(node: yaml.Scalar, tag: string): Value {
    const text = String(node.source ?? node.value ?? '')
    if (node.type === 'QUOTE_DOUBLE' && node.range && SLASH.test(this.#text.slice(node.range[0], node.range[1])))
      this.#refuse('yaml: found unknown escape character', node)
    if (tag.endsWith(':str') || /^!./.test(tag)) return text
    if (tag.endsWith(':binary')) return this.#binary(text, node)
    const plain = node.type === 'PLAIN' || node.type === undefined
    const value = plain || /:(int|float|bool|null)$/.test(tag) ? this.#scalarOf(text) : text
    if (tag.endsWith(':int') && !isWhole(value)) this.#refuse(`yaml: cannot decode ${JSON.stringify(text)} as a !!int`, node)
    if (tag.endsWith(':float') && isWhole(value)) return new WholeFloat(Number(value))
    if (tag.endsWith(':null') && value !== null) this.#refuse(`yaml: cannot decode ${JSON.stringify(text)} as a !!null`, node)
    if (tag.endsWith(':bool') && typeof value !== 'boolean') this.#refuse(`yaml: cannot decode ${JSON.stringify(text)} as a !!bool`, node)
    return value
  }

  #binary(text: string, node: yaml.Scalar): string {
    const base64 = text.replaceAll(/\s/g, '')
    if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64))
      this.#refuse('yaml: !!binary value contains invalid base64 data', node)
    return Buffer.from(base64, 'base64').toString()
  }

  #map(node: yaml.YAMLMap, path: Path, depth: number): Dict {
    const made = dict()
    const merged: Dict[] = []
    for (const { key, value } of node.items) {
      if (yaml.isScalar(key) && key.source === '<<' && key.type === 'PLAIN') {
        if (merged.length > 0) this.#refuse('mapping key "<<" already defined', key)
        merged.push(...this.#mergeSources(value, path, depth))
        continue
      }
      const name = `${this.#key(key, path, depth)}${this.#endsInColon(node, key) ? ':' : ''}`
      if (name in made) this.#refuse(`mapping key ${JSON.stringify(name)} already defined`, key)
      const place = [...path, name]
      if (this.#inAlias === 0 && yaml.isNode(key) && key.range) this.#lines.set(pathText(place), this.#line(key.range[0]))
      const content = this.#value(value, place, depth + 1)
      if (content !== undefined) made[name] = content
    }
    for (const source of merged) for (const [name, content] of Object.entries(source)) if (!(name in made)) made[name] = content
    return made
  }

  /** In `{a:, b: c}` the colon is part of the first key, as the reader of Compose has it. */
  #endsInColon(node: yaml.YAMLMap, key: unknown): boolean {
    if (node.flow !== true || !yaml.isScalar(key) || key.type !== 'PLAIN' || !key.range) return false
    return /^:[,[\]{}]/.test(this.#text.slice(key.range[1], key.range[1] + 2))
  }

  #key(key: unknown, path: Path, depth: number): string {
    const value = this.#value(key, path, depth + 1)
    if (typeof value === 'string') return value
    const where = path.length === 0 ? 'at top level' : `in ${pathText(path)}`
    return this.#refuse(`Non-string key ${where}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`, key)
  }

  #mergeSources(node: unknown, path: Path, depth: number): Dict[] {
    const value = this.#value(node, path, depth + 1) ?? null
    const sources = Array.isArray(value) ? value : [value]
    return sources.map((source) =>
      isDict(source) ? source : this.#refuse('map merge requires map or sequence of maps as the value', node),
    )
  }
}
