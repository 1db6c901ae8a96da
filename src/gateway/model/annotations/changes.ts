import type { Cors, Edit, Gate, Mirror, Redirect, Rule } from '#routing'
import { AFFINITY_ANNOTATIONS, type Affinity, cookieNameProblem, readAffinity } from '../affinity.ts'
import { corsOf } from '../cors.ts'
import type { Access } from './access.ts'
import { isHost, isPath, isPort, shown } from '../grammar.ts'
import { type Failure, type Retry, retryOf } from '../retry.ts'
import type { BackendPort } from '../wish.ts'
import { ownService } from './own-service.ts'
import { NGINX, listed } from './words.ts'

export const CHANGE_ANNOTATIONS = [
  'ssl-redirect',
  'force-ssl-redirect',
  'permanent-redirect',
  'permanent-redirect-code',
  'temporal-redirect',
  'rewrite-target',
  'upstream-vhost',
  'x-forwarded-prefix',
  'enable-cors',
  'cors-allow-origin',
  'cors-allow-methods',
  'cors-allow-headers',
  'cors-expose-headers',
  'cors-allow-credentials',
  'cors-max-age',
  'mirror-target',
  'mirror-request-body',
  'proxy-next-upstream',
  'proxy-next-upstream-tries',
]
  .map((name) => `${NGINX}${name}`)
  .concat(AFFINITY_ANNOTATIONS)

export const NO_CHANGES: RequestChanges = { toHttps: false, edits: [], problems: [] }

/** What an Ingress changes about the requests of its routes, or answers instead. */
export interface RequestChanges {
  readonly toHttps: boolean
  readonly redirect?: Redirect
  readonly edits: readonly Edit[]
  /** What else is said, and cannot be done. */
  readonly problems: readonly string[]
  readonly cors?: Cors
  readonly retry?: Retry
  readonly affinity?: Affinity
  readonly mirror?: { readonly to: BackendPort; readonly hasBody: boolean }
}

const CODES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Undefined: nothing. A problem is the first thing that cannot be done as it is said. */
export function readChanges(
  annotations: Readonly<Record<string, string>>,
  hasTls: boolean,
  namespace: string,
): RequestChanges | { readonly problem: string } | undefined {
  const of = (name: string): string | undefined => annotations[`${NGINX}${name}`]
  const toHttps = of('force-ssl-redirect') === 'true' || (hasTls && of('ssl-redirect') === 'true')
  const [permanent, temporal] = [of('permanent-redirect'), of('temporal-redirect')]
  const place = permanent ?? temporal
  const status = Number(permanent === undefined ? 302 : (of('permanent-redirect-code') ?? 301))
  if (place !== undefined && !isStatus(status))
    return { problem: `${shown(of('permanent-redirect-code') ?? '')} is no status of a redirect` }
  const redirect = place === undefined || !isStatus(status) ? undefined : redirectTo(place, status)
  if (place !== undefined && redirect === undefined)
    return { problem: `${shown(place)} is no http or https address with a host and a path that the gateway takes` }
  const edits: Edit[] = []
  const [target, host, prefix] = [of('rewrite-target'), of('upstream-vhost'), of('x-forwarded-prefix')]
  if (target !== undefined) {
    if (!isPath(target))
      return { problem: `the path ${shown(target)} of rewrite-target is not taken: it may not refer to parts of a regular expression` }
    edits.push({ kind: 'rewrite-path', to: target })
  }
  if (host !== undefined) {
    if (!isHost(host) || host.startsWith('*')) return { problem: `${shown(host)} of upstream-vhost is no host name` }
    edits.push({ kind: 'rewrite-host', host })
  }
  if (prefix !== undefined) {
    if (!isPath(prefix)) return { problem: `${shown(prefix)} of x-forwarded-prefix is no path` }
    edits.push({ kind: 'request-header', how: 'set', name: 'X-Forwarded-Prefix', value: prefix })
  }
  // What is beside the way of a request is refused for itself: the rest holds.
  const problems: string[] = []
  const orRefused = <T extends object>(read: T | { readonly problem: string } | undefined): T | undefined => {
    if (read === undefined || !('problem' in read)) return read
    problems.push(read.problem)
    return undefined
  }
  const cors = orRefused(of('enable-cors') === 'true' ? readCors(of) : undefined)
  const mirrorTarget = of('mirror-target')
  const mirror = orRefused(mirrorTarget === undefined ? undefined : mirrorTo(mirrorTarget, namespace))
  const retry = orRefused(readRetry(of('proxy-next-upstream'), of('proxy-next-upstream-tries')))
  const affinity = orRefused(readAffinity(annotations))
  const nameProblem = cookieNameProblem(annotations)
  if (nameProblem !== undefined) problems.push(nameProblem)
  const isNothing = [redirect, cors, mirror, retry, affinity, edits[0], problems[0]].every((one) => one === undefined)
  return !toHttps && isNothing
    ? undefined
    : {
        toHttps,
        edits,
        problems,
        ...(redirect === undefined ? {} : { redirect }),
        ...(cors === undefined ? {} : { cors }),
        ...retry,
        ...affinity,
        ...(mirror === undefined ? {} : { mirror: { to: mirror, hasBody: of('mirror-request-body') !== 'off' } }),
      }
}

/** What ingress-nginx says where nothing is said. */
const CORS_METHODS = 'GET, PUT, POST, DELETE, PATCH, OPTIONS'
const CORS_HEADERS = 'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization'
const CORS_AGE_SECONDS = '1728000'

function readCors(of: (name: string) => string | undefined): Cors | { readonly problem: string } {
  const list = (name: string, usual: string): readonly string[] => listed(of(name) ?? usual)
  const age = of('cors-max-age') ?? CORS_AGE_SECONDS
  if (!/^\d{1,9}$/.test(age)) return { problem: `cors-max-age ${shown(age)} is no number of seconds` }
  const origins = list('cors-allow-origin', '*')
  return corsOf({
    origins,
    // Of a star and credentials together browsers take neither, and whoever wrote it gets no more than that.
    credentials: of('cors-allow-credentials') !== 'false' && !origins.includes('*'),
    methods: list('cors-allow-methods', CORS_METHODS),
    headers: list('cors-allow-headers', CORS_HEADERS),
    expose: list('cors-expose-headers', ''),
    maxAgeSeconds: Number(age),
  })
}

const FAILURES: ReadonlyMap<string, readonly Failure[]> = new Map([
  ['error', ['conn-failure', 'empty-response']],
  ['timeout', ['response-timeout']],
  ['invalid_header', ['junk-response']],
])
const USUAL_TRIES = '3'

/** Tries are all, the first one too. */
function readRetry(
  words: string | undefined,
  tries: string | undefined,
): { readonly retry: Retry } | { readonly problem: string } | undefined {
  if (words === undefined && tries === undefined) return undefined
  const on: Failure[] = []
  const codes: number[] = []
  const isOff = words?.trim() === 'off'
  for (const word of isOff ? [] : (words ?? 'error timeout').split(/\s+/).filter((one) => one !== '')) {
    const code = /^http_(\d{3})$/.exec(word)?.[1]
    const failures = FAILURES.get(word)
    if (failures === undefined && code === undefined) return { problem: `${shown(word)} of proxy-next-upstream is not taken` }
    on.push(...(failures ?? []))
    if (code !== undefined) codes.push(Number(code))
  }
  const all = tries ?? USUAL_TRIES
  if (!/^\d{1,3}$/.test(all) || Number(all) === 0) return { problem: `proxy-next-upstream-tries ${shown(all)} is no number of tries` }
  const read = retryOf({ attempts: isOff ? 0 : Number(all) - 1, on, codes })
  return 'problem' in read ? { problem: `proxy-next-upstream: ${read.problem}` } : read
}

/** A Service of the Ingress's own namespace, with the request as it is. */
function mirrorTo(target: string, namespace: string): BackendPort | { readonly problem: string } {
  const [, host = '', digits = '80'] = /^http:\/\/([a-z0-9.-]+)(?::(\d{1,5}))?\/?\$request_uri$/.exec(target) ?? []
  return (
    ownService(host, digits, namespace) ?? {
      problem: `mirror-target ${shown(target)} is not taken: it is http://, a Service of ${namespace}, perhaps a port, and $request_uri`,
    }
  )
}

function redirectTo(place: string, status: Redirect['status']): Redirect | undefined {
  const [, scheme, host = '', port, path = '/'] = /^(https?):\/\/([^/:]+)(?::(\d{1,5}))?(\/.*)?$/.exec(place) ?? []
  if ((scheme !== 'http' && scheme !== 'https') || !isHost(host) || host.startsWith('*') || !isPath(path)) return undefined
  if (port !== undefined && !isPort(Number(port))) return undefined
  return { kind: 'redirect', status, scheme, host, path: { to: path }, ...(port === undefined ? {} : { port: Number(port) }) }
}

const isStatus = (status: number): status is Redirect['status'] => CODES.has(status)

/** The rules of a route with what its Ingress changes; before anything else, a request is led to HTTPS where that is said. */
export function withChanges(
  rules: readonly Rule[],
  { toHttps, redirect, edits, cors }: RequestChanges,
  mirrors: readonly Mirror[],
  { guards, auth }: Access,
  gate: Gate | undefined,
): readonly Rule[] {
  const secure: readonly Rule[] = toHttps
    ? [{ when: { kind: 'scheme', is: 'http' }, action: { kind: 'redirect', status: 308, scheme: 'https' } }]
    : []
  if (redirect !== undefined) return [...secure, { action: redirect }]
  const more = {
    ...(edits.length === 0 ? {} : { edits }),
    ...(cors === undefined ? {} : { cors }),
    ...(mirrors.length === 0 ? {} : { mirrors }),
    ...(auth === undefined ? {} : { auth }),
    ...(gate === undefined ? {} : { gate }),
  }
  const led = rules.map((rule) => (rule.action.kind === 'forward' ? { ...rule, action: { ...rule.action, ...more } } : rule))
  return [...secure, ...guards, ...led]
}
