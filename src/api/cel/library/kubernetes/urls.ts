import { goQuote } from '../../../meta/go-format.ts'
import { ArrayList, HashMap } from '../../values/containers.ts'
import { CelError } from '../../values/error.ts'
import { Opaque, type Outcome } from '../../values/value.ts'
import type { Library } from '../../types/functions.ts'

const TYPE = 'kubernetes.URL'

interface Url {
  readonly scheme: string
  /** With the port, an IPv6 address in brackets. */
  readonly host: string
  /** As it is sent. */
  readonly path: string
  readonly query: string
  readonly text: string
}

/** What stands in a request line, as Go's url.ParseRequestURI reads it; a text says why it is none. */
export function parseRequestUri(text: string): Url | string {
  const why = (problem: string): string => `parse ${goQuote(text)}: ${problem}`
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(text)) return why('net/url: invalid control character in URL')
  if (text === '') return why('empty url')
  if (text === '*') return { scheme: '', host: '', path: '*', query: '', text }
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*(?=:)/.exec(text)?.[0]
  if (scheme === undefined && text.startsWith(':')) return why('missing protocol scheme')
  if (scheme === undefined && /^[0-9+.-][A-Za-z0-9+.-]*:/.test(text)) return why('first path segment in URL cannot contain colon')
  const rest = scheme === undefined ? text : text.slice(scheme.length + 1)
  const question = rest.indexOf('?')
  const beforeQuery = question === -1 ? rest : rest.slice(0, question)
  const query = question === -1 ? '' : rest.slice(question + 1)
  if (!beforeQuery.startsWith('/')) {
    if (scheme === undefined) return why('invalid URI for request')
    return { scheme: scheme.toLowerCase(), host: '', path: '', query, text }
  }
  if (!beforeQuery.startsWith('//') || scheme === undefined) {
    const problem = escapeProblem(beforeQuery)
    return problem === undefined ? { scheme: scheme?.toLowerCase() ?? '', host: '', path: beforeQuery, query, text } : why(problem)
  }
  const slash = beforeQuery.indexOf('/', 2)
  const authority = beforeQuery.slice(2, slash === -1 ? undefined : slash)
  const path = slash === -1 ? '' : beforeQuery.slice(slash)
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const problem = userProblem(authority) ?? hostProblem(host) ?? escapeProblem(path)
  return problem === undefined ? { scheme: scheme.toLowerCase(), host: decodedHost(host), path, query, text } : why(problem)
}

function userProblem(authority: string): string | undefined {
  const at = authority.lastIndexOf('@')
  return at === -1 || /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at)) ? undefined : 'net/url: invalid userinfo'
}

function hostProblem(host: string): string | undefined {
  if (host.startsWith('[')) {
    const close = host.lastIndexOf(']')
    if (close === -1) return "missing ']' in host"
    return portProblem(host.slice(close + 1))
  }
  const colon = host.lastIndexOf(':')
  const port = colon === -1 ? undefined : portProblem(host.slice(colon))
  if (port !== undefined) return port
  const bad = /[ "<>\\^`{|}]/.exec(host)?.[0]
  if (bad !== undefined) return `invalid character ${goQuote(bad)} in host name`
  return escapeProblem(host)
}

function portProblem(port: string): string | undefined {
  return port === '' || /^:\d*$/.test(port) ? undefined : `invalid port ${goQuote(port)} after host`
}

function escapeProblem(text: string): string | undefined {
  const bad = /%(?![0-9a-fA-F]{2})/.exec(text)
  return bad === null ? undefined : `invalid URL escape ${goQuote(text.slice(bad.index, bad.index + 3))}`
}

function decodedHost(host: string): string {
  try {
    return decodeURIComponent(host)
  } catch {
    return host
  }
}

class UrlValue extends Opaque {
  readonly typeName = TYPE
  readonly url: Url
  constructor(url: Url) {
    super()
    this.url = url
  }
  equals(other: Opaque): boolean {
    return other instanceof UrlValue && other.url.text === this.url.text
  }
}

function toUrl(text: string): Outcome {
  const url = parseRequestUri(text)
  const read = typeof url === 'string' ? url : asReference(url)
  return typeof read === 'string' ? new CelError(`URL parse error during conversion from string: ${read}`) : new UrlValue(read)
}

/** The second reading, that Go does for the value itself, knows fragments, and hosts without a scheme. */
function asReference(url: Url): Url | string {
  const cut = (text: string): string => text.split('#', 1)[0] ?? ''
  const whole = url.path.includes('#') ? { ...url, path: cut(url.path), query: '' } : { ...url, query: cut(url.query) }
  const authority = whole.scheme === '' ? /^\/\/(?!\/)([^/]*)/.exec(whole.path)?.[1] : undefined
  if (authority === undefined) return whole
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const problem = userProblem(authority) ?? hostProblem(host)
  if (problem !== undefined) return `parse ${goQuote(whole.text)}: ${problem}`
  return { ...whole, host: decodedHost(host), path: whole.path.slice(2 + authority.length) }
}

function portOf(host: string): string {
  return /:(\d*)$/.exec(host.startsWith('[') ? host.slice(host.lastIndexOf(']') + 1) : host)?.[1] ?? ''
}
function nameOf(host: string): string {
  if (host.startsWith('[')) return host.slice(1, host.lastIndexOf(']'))
  const colon = host.lastIndexOf(':')
  return colon === -1 || host.indexOf(':') !== colon ? host : host.slice(0, colon)
}

/** Bytes that a path must not have are escaped. */
function escapedPath(path: string): string {
  return /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/[\]]|%[0-9a-fA-F]{2})*$/.test(path)
    ? path
    : encodeURI(path).replaceAll(/%25(?=[0-9a-fA-F]{2})/g, '%')
}

function queryOf(query: string): Outcome {
  const found = new Map<string, string[]>()
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue
    const equals = pair.indexOf('=')
    const key = decoded(equals === -1 ? pair : pair.slice(0, equals))
    const value = decoded(equals === -1 ? '' : pair.slice(equals + 1))
    if (key === undefined || value === undefined) continue
    const values = found.get(key) ?? []
    values.push(value)
    found.set(key, values)
  }
  const map = new HashMap()
  for (const [key, values] of found) map.insert(key, new ArrayList(values))
  return map
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

export const urls: Library = [
  ['url', 'string_to_url', `(string) -> ${TYPE}`, toUrl],
  ['getScheme', 'url_get_scheme', `${TYPE}.() -> string`, ({ url }: UrlValue) => url.scheme],
  ['getHost', 'url_get_host', `${TYPE}.() -> string`, ({ url }: UrlValue) => url.host],
  ['getHostname', 'url_get_hostname', `${TYPE}.() -> string`, ({ url }: UrlValue) => nameOf(url.host)],
  ['getPort', 'url_get_port', `${TYPE}.() -> string`, ({ url }: UrlValue) => portOf(url.host)],
  ['getEscapedPath', 'url_get_escaped_path', `${TYPE}.() -> string`, ({ url }: UrlValue) => escapedPath(url.path)],
  ['getQuery', 'url_get_query', `${TYPE}.() -> map(string, list(string))`, ({ url }: UrlValue) => queryOf(url.query)],
  ['isURL', 'is_url_string', '(string) -> bool', (text: string) => typeof parseRequestUri(text) !== 'string'],
]
