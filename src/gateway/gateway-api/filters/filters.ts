import type { AnswerEdit, Cors, Edit, HeaderEdit, Mirror, Redirect } from '#routing'
import { corsOf } from '../../model/cors.ts'
import { isHost, isPath, shown } from '../../model/grammar.ts'
import type { BackendReference, HeaderChanges, PathModifier, RouteFilter } from '../kinds.ts'
import type { Unsupported } from '../matches.ts'

export interface ReadFilters {
  readonly edits: readonly Edit[]
  readonly redirect: Redirect | undefined
  readonly cors: Cors | undefined
  readonly mirrors: readonly Mirror[]
}

/** What one filter comes to. */
type Read = Partial<ReadFilters>

/** The key of a backend; undefined: there is none. */
type KeyFor = (reference: BackendReference) => string | undefined

const VALUE = /^[\t\x20-\x7e]*$/
const STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** What says where a message ends, and whom a connection is between: whoever could change it could put one request into another. */
const OF_THE_CONNECTION = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** `prefix`: what `replacePrefixMatch` takes off. Without `keyFor` nobody gets copies. */
export function readFilters(filters: readonly RouteFilter[], prefix: string | undefined, keyFor?: KeyFor): ReadFilters | Unsupported {
  const edits: Edit[] = []
  const mirrors: Mirror[] = []
  let redirect: Redirect | undefined
  let cors: Cors | undefined
  for (const filter of filters) {
    const read = readFilter(filter, prefix, keyFor)
    if ('problem' in read) return { problem: `the filter ${filter.type}: ${read.problem}` }
    edits.push(...(read.edits ?? []))
    mirrors.push(...(read.mirrors ?? []))
    redirect ??= read.redirect
    cors ??= read.cors
  }
  if (redirect === undefined) return { edits, redirect, cors, mirrors }
  if (cors !== undefined || mirrors.length > 0) return { problem: 'a request that is redirected is not for others, and has no mirrors' }
  const answer = edits.filter((edit): edit is AnswerEdit => edit.kind === 'response-header')
  return { edits: [], redirect: { ...redirect, edits: answer }, cors, mirrors }
}

function readFilter(filter: RouteFilter, prefix: string | undefined, keyFor: KeyFor | undefined): Read | Unsupported {
  switch (filter.type) {
    case 'CORS':
      return keyFor === undefined ? { problem: 'it is of a rule, not of one backend' } : readCors(filter.cors ?? {})
    case 'RequestMirror':
      return keyFor === undefined ? { problem: 'it is of a rule of an HTTPRoute' } : readMirror(filter.requestMirror, keyFor)
    case 'RequestHeaderModifier':
      return headerEdits('request-header', filter.requestHeaderModifier)
    case 'ResponseHeaderModifier':
      return headerEdits('response-header', filter.responseHeaderModifier)
    case 'URLRewrite':
      return readRewrite(filter.urlRewrite ?? {}, prefix)
    case 'RequestRedirect':
      return readRedirect(filter.requestRedirect ?? {}, prefix)
    default:
      return { problem: 'it is not served' }
  }
}

function headerEdits(kind: (HeaderEdit | AnswerEdit)['kind'], { set = [], add = [], remove = [] }: HeaderChanges = {}): Read | Unsupported {
  const edits: (HeaderEdit | AnswerEdit)[] = []
  for (const [how, headers] of [
    ['set', set],
    ['add', add],
    ['remove', remove.map((name) => ({ name, value: '' }))],
  ] as const)
    for (const { name, value } of headers) {
      if (!/^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/.test(name)) return { problem: `${shown(name)} is no name of a header` }
      if (OF_THE_CONNECTION.has(name.toLowerCase())) return { problem: `the header ${shown(name)} is not changed: it is of the connection` }
      if (!VALUE.test(value)) return { problem: `the value of ${shown(name)} is not one line of printable ASCII characters` }
      // The first one for a name counts.
      if (edits.some((edit) => edit.name.toLowerCase() === name.toLowerCase())) continue
      edits.push({ kind, how, name, value })
    }
  return { edits }
}

function readRewrite({ hostname, path }: NonNullable<RouteFilter['urlRewrite']>, prefix: string | undefined): Read | Unsupported {
  if (hostname !== undefined && !isName(hostname)) return { problem: `${shown(hostname)} is no host name` }
  const edits: Edit[] = hostname === undefined ? [] : [{ kind: 'rewrite-host', host: hostname }]
  if (path !== undefined) {
    const to = readPath(path, prefix)
    if ('problem' in to) return to
    edits.push({ kind: 'rewrite-path', ...to })
  }
  return { edits }
}

function readRedirect(
  { scheme, hostname, path, port, statusCode = 302 }: NonNullable<RouteFilter['requestRedirect']>,
  prefix: string | undefined,
): Read | Unsupported {
  if (!isStatus(statusCode)) return { problem: `${statusCode} is no status of a redirect` }
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') return { problem: `the scheme ${shown(scheme)} is not known` }
  if (hostname !== undefined && !isName(hostname)) return { problem: `${shown(hostname)} is no host name` }
  const to = path === undefined ? undefined : readPath(path, prefix)
  if (to !== undefined && 'problem' in to) return to
  const redirect: Redirect = { kind: 'redirect', status: statusCode, scheme, host: hostname, port, path: to }
  return { redirect }
}

function readPath(
  { type, replaceFullPath = '', replacePrefixMatch = '' }: PathModifier,
  prefix: string | undefined,
): { readonly prefix?: string; readonly to: string } | Unsupported {
  if (type === 'ReplaceFullPath') {
    const to = replaceFullPath.startsWith('/') ? replaceFullPath : `/${replaceFullPath}`
    return isPath(to) ? { to } : { problem: `the path ${shown(replaceFullPath)} is not taken` }
  }
  if (type !== 'ReplacePrefixMatch') return { problem: `the type ${shown(type)} of a path is not known` }
  if (prefix === undefined) return { problem: 'replacePrefixMatch needs a match of type PathPrefix' }
  const to = replacePrefixMatch === '' || replacePrefixMatch.startsWith('/') ? replacePrefixMatch : `/${replacePrefixMatch}`
  return to === '' || isPath(to) ? { prefix, to } : { problem: `the path ${shown(replacePrefixMatch)} is not taken` }
}

function readCors(filter: NonNullable<RouteFilter['cors']>): Read | Unsupported {
  const { allowOrigins = [], allowCredentials = false, allowMethods = [], allowHeaders = [], exposeHeaders = [], maxAge = 5 } = filter
  const cors = corsOf({
    origins: allowOrigins,
    credentials: allowCredentials,
    methods: allowMethods,
    headers: allowHeaders,
    expose: exposeHeaders,
    maxAgeSeconds: maxAge,
  })
  return 'problem' in cors ? cors : { cors }
}

function readMirror(filter: RouteFilter['requestMirror'], keyFor: KeyFor): Read | Unsupported {
  if (filter === undefined) return { problem: 'it names nobody' }
  const { backendRef, percent = 100, fraction } = filter
  const share = fraction === undefined ? percent / 100 : fraction.numerator / (fraction.denominator ?? 100)
  const backend = keyFor(backendRef)
  return { mirrors: backend === undefined ? [] : [{ backend, share: Math.min(Math.max(share, 0), 1), hasBody: true }] }
}

const isName = (host: string): boolean => isHost(host) && !host.startsWith('*')
const isStatus = (status: number): status is Redirect['status'] => STATUSES.has(status)
