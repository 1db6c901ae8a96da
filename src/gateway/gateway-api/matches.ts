import { type Condition, type TextMatch, compileRegex } from '#routing'
import { isPath, shown } from '../model/grammar.ts'
import type { GRPCRouteRule, HTTPRouteMatch, ValueMatch } from './kinds.ts'

/** What a match asks of a request: where it is looked for by host and path, and what else has to hold. */
export interface ReadMatch {
  readonly map: 'exact' | 'prefix'
  /** Without a host. */
  readonly path: string
  readonly conditions: readonly Condition[]
  /** Of two for the same host and path the lower one is asked first. */
  readonly precedence: string
  /** Of a `PathPrefix`: what `replacePrefixMatch` takes off; empty for all paths. */
  readonly prefix: string | undefined
  readonly what: string
}

export interface Unsupported {
  readonly problem: string
}

/** What is neither a literal nor ends one, up to where an expression begins to mean something else. */
const LITERAL_START = /^(?:[A-Za-z0-9/_~%:@!&,=-]|\\[.\-/])*/

export function readMatch({ path, headers = [], queryParams = [], method }: HTTPRouteMatch): ReadMatch | Unsupported {
  const { type = 'PathPrefix', value = '/' } = path ?? {}
  const place = placeOf(type, value)
  if ('problem' in place) return place
  const conditions: Condition[] = []
  if (place.condition !== undefined) conditions.push(place.condition)
  if (method !== undefined) conditions.push({ kind: 'method', is: method })
  const byHeader = firstOf(headers, (name) => name.toLowerCase())
  const byQuery = firstOf(queryParams, (name) => name)
  for (const [kind, of] of [
    ['header', byHeader],
    ['query', byQuery],
  ] as const)
    for (const { name, type: how = 'Exact', value: wanted } of of) {
      const match = valueMatch(how, wanted)
      if ('problem' in match) return { problem: `${kind} ${shown(name)}: ${match.problem}` }
      conditions.push({ kind, name: kind === 'header' ? name.toLowerCase() : name, value: match })
    }
  const two = (count: number): string => String(99 - count)
  return {
    map: place.map,
    path: place.path,
    conditions,
    precedence: `${place.condition === undefined ? 1 : 0}${method === undefined ? 1 : 0}${two(byHeader.length)}${two(byQuery.length)}`,
    prefix: type === 'PathPrefix' ? value.replace(/\/+$/, '') : undefined,
    what: `${value} (${type})`,
  }
}

/** Of several entries for one name the first one counts. */
function firstOf(matches: readonly ValueMatch[], idOf: (name: string) => string): readonly ValueMatch[] {
  return matches.filter(({ name }, at) => matches.findIndex((other) => idOf(other.name) === idOf(name)) === at)
}

function valueMatch(type: string, value: string): TextMatch | Unsupported {
  if (type === 'Exact') return { how: 'exact', text: value }
  return type === 'RegularExpression' ? wholeMatch(value) : { problem: `the type ${shown(type)} is not known` }
}

/** An expression says what all of the text is. */
function wholeMatch(source: string): TextMatch | Unsupported {
  const automaton = compileRegex(`^(?:${source})$`)
  return 'problem' in automaton ? { problem: `${shown(source)}: ${automaton.problem}` } : { how: 'regex', automaton }
}

interface Place {
  readonly map: 'exact' | 'prefix'
  readonly path: string
  readonly condition?: Condition
}

function placeOf(type: string, value: string): Place | Unsupported {
  switch (type) {
    case 'Exact':
      return isPath(value)
        ? { map: 'exact', path: value }
        : { ...folderOf(value), condition: { kind: 'path', value: { how: 'exact', text: value } } }
    case 'PathPrefix': {
      const plain = value.replace(/\/+$/, '')
      if (isPath(`${plain}/`)) return { map: 'prefix', path: `${plain}/` }
      const of: Condition[] = [
        { kind: 'path', value: { how: 'exact', text: plain } },
        { kind: 'path', value: { how: 'prefix', text: `${plain}/` } },
      ]
      return { ...folderOf(plain), condition: { kind: 'any', of } }
    }
    case 'RegularExpression': {
      const match = wholeMatch(value)
      if ('problem' in match) return match
      return { ...folderOf(literalStart(value)), condition: { kind: 'path', value: match } }
    }
    default:
      return { problem: `the type ${shown(type)} of a path is not known` }
  }
}

/** The longest path whose elements are all in the front of the text, and can be a key. */
function folderOf(text: string): { readonly map: 'prefix'; readonly path: string } {
  let folder = text.slice(0, text.lastIndexOf('/') + 1)
  while (folder !== '' && !isPath(folder)) folder = folder.slice(0, folder.lastIndexOf('/', folder.length - 2) + 1)
  return { map: 'prefix', path: folder === '' ? '/' : folder }
}

/** What every text begins with that the expression takes. */
function literalStart(source: string): string {
  if (source.includes('|') || source.includes('(?')) return ''
  const rest = source.startsWith('^') ? source.slice(1) : source
  const [start = ''] = LITERAL_START.exec(rest) ?? []
  const literal = start.replaceAll('\\', '')
  // The last character may be left out.
  return '?*{'.includes(rest[start.length] ?? ' ') ? literal.slice(0, -1) : literal
}

const ANY_NAME = '[^/]+'

/** gRPC is requests to `/service/method`. */
export function httpMatchOf({ method, headers }: NonNullable<GRPCRouteRule['matches']>[number]): HTTPRouteMatch {
  const { type = 'Exact', service = '', method: name = '' } = method ?? {}
  const withHeaders = headers === undefined ? {} : { headers }
  if (service === '' && name === '') return withHeaders
  if (type === 'Exact' && service !== '')
    return {
      path: name === '' ? { type: 'PathPrefix', value: `/${service}` } : { type: 'Exact', value: `/${service}/${name}` },
      ...withHeaders,
    }
  const part = (source: string): string => (source === '' ? ANY_NAME : type === 'Exact' ? source.replaceAll('.', '\\.') : source)
  return { path: { type: 'RegularExpression', value: `/${part(service)}/${part(name)}` }, ...withHeaders }
}
