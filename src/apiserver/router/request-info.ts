import type { RequestInfo } from '../contract.ts'

const METHOD_VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}
/** What may stand behind `namespaces/<name>/` without being a resource in that namespace. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])
const NO_QUERY = new URLSearchParams()

/** The parts of a request's target, as k8s.io/apiserver `RequestInfoFactory` reads them. The query is parsed when it is asked for. */
export class ParsedRequest implements RequestInfo {
  readonly path: string
  readonly isResource: boolean
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly rest: string
  /** Whether the path is of the old form `/api/v1/watch/…`. */
  readonly watchPath: boolean
  /** Whether the resource stands behind `namespaces/<namespace>/`. */
  readonly inNamespace: boolean
  readonly rawQuery: string
  #query: URLSearchParams | undefined

  constructor(path: string, rawQuery: string, parts: RequestParts) {
    this.path = path
    this.rawQuery = rawQuery
    this.isResource = parts.isResource
    this.verb = parts.verb
    this.group = parts.group
    this.version = parts.version
    this.resource = parts.resource
    this.subresource = parts.subresource
    this.namespace = parts.namespace
    this.name = parts.name
    this.rest = parts.rest
    this.watchPath = parts.watchPath
    this.inNamespace = parts.inNamespace
  }
  get query(): URLSearchParams {
    if (this.#query === undefined) this.#query = this.rawQuery === '' ? NO_QUERY : new URLSearchParams(this.rawQuery)
    return this.#query
  }
}

interface RequestParts {
  isResource: boolean
  verb: string
  group: string
  version: string
  resource: string
  subresource: string
  namespace: string
  name: string
  rest: string
  watchPath: boolean
  inNamespace: boolean
}

/** Of a request that is about no resource. */
export const NO_PARTS: Readonly<RequestParts> = {
  isResource: false,
  verb: '',
  group: '',
  version: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  rest: '',
  watchPath: false,
  inNamespace: false,
}

/** Undefined when the target is not a path or its escapes cannot be read. */
export function parseRequest(method: string, target: string): ParsedRequest | undefined {
  const mark = target.indexOf('?')
  const rawPath = mark === -1 ? target : target.slice(0, mark)
  const rawQuery = mark === -1 ? '' : target.slice(mark + 1)
  if (!rawPath.startsWith('/')) return undefined
  let segments: string[]
  try {
    // An escaped slash is a slash like any other.
    segments = (rawPath.includes('%') ? decodeURIComponent(rawPath) : rawPath).split('/').slice(1)
  } catch {
    return undefined
  }
  if (segments[segments.length - 1] === '') segments.pop()
  const parts: RequestParts = { ...NO_PARTS, verb: method.toLowerCase() }
  readResource(method, segments, parts, rawQuery)
  return new ParsedRequest(rawPath, rawQuery, parts)
}

function readResource(method: string, segments: string[], parts: RequestParts, rawQuery: string): void {
  let at: number
  if (segments[0] === 'api' && segments.length >= 3) {
    parts.version = segments[1] ?? ''
    at = 2
  } else if (segments[0] === 'apis' && segments.length >= 4) {
    parts.group = segments[1] ?? ''
    parts.version = segments[2] ?? ''
    at = 3
  } else return
  parts.isResource = true
  parts.verb = METHOD_VERBS[method] ?? ''
  if (segments[at] === 'watch' || segments[at] === 'proxy') {
    if (segments.length === at + 1) {
      parts.isResource = false
      parts.verb = method.toLowerCase()
      parts.watchPath = segments[at] === 'watch'
      return
    }
    parts.watchPath = segments[at] === 'watch'
    parts.verb = segments[at] ?? ''
    at++
  }
  if (segments[at] === 'namespaces') {
    if (segments.length > at + 1) {
      parts.namespace = segments[at + 1] ?? ''
      const next = segments[at + 2]
      // `namespaces/x/pods` is pods in a namespace, `namespaces/x/status` a part of the namespace itself.
      if (next !== undefined && !NAMESPACE_SUBRESOURCES.has(next)) {
        parts.inNamespace = true
        at += 2
      }
    }
  }
  parts.resource = segments[at] ?? ''
  parts.name = segments[at + 1] ?? ''
  parts.subresource = segments[at + 2] ?? ''
  parts.rest = segments.slice(at + 3).join('/')
  if (parts.name === '' && parts.verb === 'get') {
    parts.verb = wantsWatch(rawQuery) ? 'watch' : 'list'
    const named = /(?:^|&)fieldSelector=/.test(rawQuery) ? nameInFieldSelector(rawQuery) : ''
    if (named !== '') parts.name = named
  } else if (parts.name === '' && parts.verb === 'delete') parts.verb = 'deletecollection'
}

/** `watch`, `watch=`, `watch=1`, `watch=maybe`: all but `0` and `false`. */
export function wantsWatch(rawQuery: string): boolean {
  if (!rawQuery.includes('watch')) return false
  const value = new URLSearchParams(rawQuery).get('watch')
  return value !== null && isTrue(value)
}

/** A boolean of the query as k8s.io/apimachinery `Convert_Slice_string_To_bool` reads it. */
export function isTrue(value: string): boolean {
  const lower = value.toLowerCase()
  return lower !== 'false' && lower !== '0'
}

/** A selector on one name lets a caller who may see only that object list and watch it. */
function nameInFieldSelector(rawQuery: string): string {
  const selector = new URLSearchParams(rawQuery).get('fieldSelector') ?? ''
  for (const term of selector.split(',')) {
    const match = /^metadata\.name={1,2}([^=!]+)$/.exec(term)
    if (match?.[1] !== undefined) return match[1]
  }
  return ''
}
