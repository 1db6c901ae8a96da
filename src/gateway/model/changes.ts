import type { Edit, Redirect, Rule } from '#routing'
import { isHost, isPath, isPort, shown } from './grammar.ts'

const PREFIX = 'nginx.ingress.kubernetes.io/'
export const CHANGE_ANNOTATIONS = [
  'ssl-redirect',
  'force-ssl-redirect',
  'permanent-redirect',
  'permanent-redirect-code',
  'temporal-redirect',
  'rewrite-target',
  'upstream-vhost',
  'x-forwarded-prefix',
].map((name) => `${PREFIX}${name}`)

/** What an Ingress changes about the requests of its routes, or answers instead. */
export interface RequestChanges {
  readonly toHttps: boolean
  readonly redirect?: Redirect
  readonly edits: readonly Edit[]
}

const CODES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Undefined: nothing. A problem is the first thing that cannot be done as it is said. */
export function readChanges(
  annotations: Readonly<Record<string, string>>,
  hasTls: boolean,
): RequestChanges | { readonly problem: string } | undefined {
  const of = (name: string): string | undefined => annotations[`${PREFIX}${name}`]
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
  return !toHttps && redirect === undefined && edits.length === 0
    ? undefined
    : { toHttps, edits, ...(redirect === undefined ? {} : { redirect }) }
}

function redirectTo(place: string, status: Redirect['status']): Redirect | undefined {
  const [, scheme, host = '', port, path = '/'] = /^(https?):\/\/([^/:]+)(?::(\d{1,5}))?(\/.*)?$/.exec(place) ?? []
  if ((scheme !== 'http' && scheme !== 'https') || !isHost(host) || host.startsWith('*') || !isPath(path)) return undefined
  if (port !== undefined && !isPort(Number(port))) return undefined
  return { kind: 'redirect', status, scheme, host, path: { to: path }, ...(port === undefined ? {} : { port: Number(port) }) }
}

const isStatus = (status: number): status is Redirect['status'] => CODES.has(status)

/** The rules of a route with what its Ingress changes; before anything else, a request is led to HTTPS where that is said. */
export function withChanges(rules: readonly Rule[], { toHttps, redirect, edits }: RequestChanges): readonly Rule[] {
  const secure: readonly Rule[] = toHttps
    ? [{ when: { kind: 'scheme', is: 'http' }, action: { kind: 'redirect', status: 308, scheme: 'https' } }]
    : []
  if (redirect !== undefined) return [...secure, { action: redirect }]
  return [
    ...secure,
    ...rules.map((rule) => (rule.action.kind === 'forward' && edits.length > 0 ? { ...rule, action: { ...rule.action, edits } } : rule)),
  ]
}
