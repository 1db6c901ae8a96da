import { type Lookup, substitute } from '../interpolation/template.ts'
import { ComposeRefused } from '../refusal.ts'

const EXPORT = /^export[ \t]+/
const KEY = /^[A-Za-z0-9_.\-[\]]+/

/**
 * Reads an environment file: `KEY=value`, `KEY: value`, `export KEY=value`, quotes, comments. Values outside single quotes are
 * substituted, from what stands earlier in the file and then from `lookup`. A bare key takes its value from `lookup` or is absent.
 */
export function readEnvironmentFile(text: string, file: string, lookup: Lookup): Map<string, string> {
  const found = new Map<string, string>()
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  const look: Lookup = (name) => lookup(name) ?? found.get(name)
  let at = 0
  let line = 1
  const refuse = (reason: string): never => {
    throw new ComposeRefused(reason, { file, line })
  }
  const advance = (to: number): void => {
    line += source.slice(at, to).split('\n').length - 1
    at = to
  }
  const expand = (value: string): string => {
    const result = substitute(value, look)
    if (result.kind === 'text') return result.text
    return refuse(
      result.kind === 'malformed'
        ? `invalid template: ${JSON.stringify(value)}`
        : `required variable ${result.name} is missing a value: ${result.message}`,
    )
  }
  while (at < source.length) {
    const start = /\S/.exec(source.slice(at))
    if (start === null) break
    advance(at + start.index)
    let rest = source.slice(at)
    if (rest.startsWith('#')) {
      advance(endOfLine(source, at))
      continue
    }
    const exported = EXPORT.exec(rest)?.[0] ?? ''
    advance(at + exported.length)
    rest = source.slice(at)
    const key = KEY.exec(rest)?.[0] ?? refuse(`unexpected character ${JSON.stringify(rest[0] ?? '')} in variable name`)
    advance(at + key.length)
    rest = source.slice(at)
    const separator = /^[ \t]*[=:]/.exec(rest)
    if (separator === null) {
      const end = endOfLine(source, at)
      const left = source.slice(at, end).trim()
      if (left !== '' && !left.startsWith('#'))
        refuse(`unexpected character ${JSON.stringify(left[0])} in variable name near ${JSON.stringify(`${key}${source.slice(at, end)}`)}`)
      const inherited = look(key)
      if (inherited !== undefined) found.set(key, inherited)
      advance(end)
      continue
    }
    advance(at + separator[0].length)
    const blank = /^[ \t]*/.exec(source.slice(at))?.[0].length ?? 0
    advance(at + blank)
    const { value, end } = valueAt(source, at, expand, refuse)
    found.set(key, value)
    advance(end)
  }
  return found
}

const endOfLine = (source: string, from: number): number => {
  const end = source.indexOf('\n', from)
  return end < 0 ? source.length : end
}

function valueAt(
  source: string,
  at: number,
  expand: (text: string) => string,
  refuse: (reason: string) => never,
): { value: string; end: number } {
  const quote = source[at]
  if (quote !== '"' && quote !== "'") {
    const end = endOfLine(source, at)
    const raw = source
      .slice(at, end)
      .replace(/(^|[ \t])#.*$/, '$1')
      .trimEnd()
    return { value: expand(raw), end }
  }
  let end = at + 1
  while (end < source.length && source[end] !== quote) end += source[end] === '\\' ? 2 : 1
  if (end >= source.length) refuse(`unterminated quoted value ${source.slice(at, endOfLine(source, at))}`)
  const inside = source.slice(at + 1, end)
  const value = quote === "'" ? inside.replaceAll("\\'", "'") : expand(unescape(inside))
  const rest = source.slice(end + 1, endOfLine(source, end + 1))
  return { value, end: rest.trim() === '' || /^[ \t]*#/.test(rest) ? endOfLine(source, end + 1) : end + 1 }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' }

function unescape(text: string): string {
  return text.replaceAll(/\\([nrtabfv"\\$])/g, (_, char: string) => (char === '$' ? '$$' : (ESCAPES[char] ?? char)))
}
