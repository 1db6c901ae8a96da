import { type BasicAuth, type Condition, type Gate, type Rule, answers } from '#routing'
import { shown } from '../grammar.ts'
import type { ReadUsers, UsersForm } from '../users.ts'
import type { BackendPort } from '../wish.ts'
import { ownService } from './own-service.ts'
import { NGINX, listed } from './words.ts'

const ALLOWED = ['whitelist-source-range', 'allowlist-source-range'] as const
const DENIED = 'denylist-source-range'
/** What keeps people out elsewhere and cannot be done here: whoever wrote it must not find the door open. */
const NOT_DONE = ['auth-method', 'auth-tls-secret', 'auth-tls-verify-client', 'auth-snippet'] as const
const GATE = ['auth-url', 'auth-signin', 'auth-signin-redirect-param', 'auth-response-headers'] as const
export const ACCESS_ANNOTATIONS = [
  'auth-type',
  'auth-secret',
  'auth-secret-type',
  'auth-realm',
  ...GATE,
  ...ALLOWED,
  DENIED,
  ...NOT_DONE,
].map((name) => `${NGINX}${name}`)

/** Who may ask for the routes of an Ingress. */
export interface Access {
  /** They answer before anything else of the route does. */
  readonly guards: readonly Rule[]
  readonly auth?: BasicAuth
  readonly gate?: Omit<Gate, 'backend'> & { readonly to: BackendPort }
}

const REALM = 'Authentication Required'
const MOST_RANGES = 64
const MOST_HEADERS = 16
const CONNECTION = /^(?:host|connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade)$/

/** `namespace/name` of the Secret with names and passwords; undefined: there is none, or it is of another namespace, which nobody is to reach into. */
export function usersSecretOf(annotations: Readonly<Record<string, string>>, namespace: string): string | undefined {
  const named = annotations[`${NGINX}auth-type`] === undefined ? undefined : annotations[`${NGINX}auth-secret`]
  const [, of = namespace, name] = /^(?:([a-z0-9.-]+)\/)?([a-z0-9.-]{1,253})$/.exec(named ?? '') ?? []
  return name === undefined || of !== namespace ? undefined : `${namespace}/${name}`
}

/** Undefined: everybody. With a problem nobody may ask: who cannot be told from others is not let in. */
export function readAccess(
  annotations: Readonly<Record<string, string>>,
  namespace: string,
  usersIn: (secret: string, form: UsersForm) => ReadUsers | undefined,
): Access | { readonly problem: string } | undefined {
  const of = (name: string): string | undefined => annotations[`${NGINX}${name}`]
  const foreign = NOT_DONE.find((name) => of(name) !== undefined)
  if (foreign !== undefined) return { problem: `${foreign} is not done here` }
  const guards: Rule[] = []
  const denied = { action: { kind: 'forward', to: [{ backend: answers(403), weight: 1 }] } } as const
  for (const name of [DENIED, ...ALLOWED]) {
    const text = of(name)
    if (text === undefined) continue
    const ranges = readRanges(text)
    if ('problem' in ranges) return { problem: `${name}: ${ranges.problem}` }
    const among: Condition = { kind: 'any', of: ranges.of }
    guards.push({ when: name === DENIED ? among : { kind: 'not', of: among }, ...denied })
  }
  const gate = readGate(of, namespace)
  if (gate !== undefined && 'problem' in gate) return gate
  const gated = gate === undefined ? { guards } : { guards, gate }
  const type = of('auth-type')
  if (type === undefined) return guards.length === 0 && gate === undefined ? undefined : gated
  if (type !== 'basic') return { problem: `auth-type ${shown(type)} is not done here: basic is` }
  const secret = usersSecretOf(annotations, namespace)
  if (secret === undefined) return { problem: `auth-secret ${shown(of('auth-secret') ?? '')} is no Secret of ${namespace}` }
  const form = of('auth-secret-type') ?? 'auth-file'
  if (form !== 'auth-file' && form !== 'auth-map') return { problem: `auth-secret-type ${shown(form)} is not known` }
  const realm = of('auth-realm') ?? REALM
  if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,128}$/.test(realm))
    return { problem: `auth-realm ${shown(realm)} is not 1 to 128 ASCII characters without quotes` }
  const read = usersIn(secret, form)
  if (read === undefined || 'problem' in read)
    return { problem: `the Secret ${shown(secret)} is not used: ${read?.problem ?? 'it was not read yet'}` }
  return { ...gated, auth: { realm, users: read.users } }
}

const VARIABLES = ['scheme', 'host', 'request_uri', 'escaped_request_uri']

/** A Service of the Ingress's own namespace that is asked about each request. */
function readGate(
  of: (name: string) => string | undefined,
  namespace: string,
): NonNullable<Access['gate']> | { readonly problem: string } | undefined {
  const url = of('auth-url')
  if (url === undefined) return undefined
  const [, host = '', digits = '80', path = '/'] =
    /^http:\/\/([a-z0-9.-]{1,253})(?::(\d{1,5}))?(\/[A-Za-z0-9\-._~%:@!&+,=/?]*)?$/.exec(url) ?? []
  const to = ownService(host, digits, namespace)
  if (to === undefined)
    return { problem: `auth-url ${shown(url)} is not taken: it is http://, a Service of ${namespace}, perhaps a port, and a path` }
  const pass = listed((of('auth-response-headers') ?? '').toLowerCase())
  const bad = pass.find((one) => !/^[a-z0-9-]{1,64}$/.test(one) || CONNECTION.test(one))
  if (bad !== undefined || pass.length > MOST_HEADERS) return { problem: `auth-response-headers ${shown(bad ?? 'so many')} are not taken` }
  const signIn = readSignIn(of('auth-signin'), of('auth-signin-redirect-param') ?? 'rd')
  if (typeof signIn === 'object') return signIn
  return {
    to,
    host,
    path,
    pass,
    ...(signIn === undefined ? {} : { signIn }),
  }
}

function readSignIn(place: string | undefined, parameter: string): string | undefined | { readonly problem: string } {
  if (place === undefined) return undefined
  const variables = [...place.matchAll(/\$([A-Za-z_]*)/g)].map(([, name = '']) => name)
  if (!/^https?:\/\/[\x21\x23-\x5b\x5d-\x7e]{1,512}$/.test(place) || variables.some((name) => !VARIABLES.includes(name)))
    return { problem: `auth-signin ${shown(place)} is not taken: variables in it are ${VARIABLES.map((name) => `$${name}`).join(', ')}` }
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(parameter)) return { problem: `auth-signin-redirect-param ${shown(parameter)} is no name` }
  // Whoever is sent there comes back to where he was.
  const isSaid = new RegExp(`[?&]${parameter}=`).test(place)
  return isSaid ? place : `${place}${place.includes('?') ? '&' : '?'}${parameter}=$scheme://$host$escaped_request_uri`
}

/** Networks of IPv4. Those of IPv6 are nobody's here: clients come over IPv4. */
function readRanges(text: string): { readonly of: readonly Condition[] } | { readonly problem: string } {
  const words = listed(text)
  if (words.length === 0 || words.length > MOST_RANGES)
    return { problem: `there are ${words.length} ranges: there may be 1 to ${MOST_RANGES}` }
  const of: Condition[] = []
  for (const word of words) {
    const [, address = '', bits = '32'] = /^(\d{1,3}(?:\.\d{1,3}){3})(?:\/(\d{1,2}))?$/.exec(word) ?? []
    const isNetwork = address !== '' && Number(bits) <= 32 && address.split('.').every((part) => Number(part) <= 255)
    if (isNetwork) of.push({ kind: 'source', address, bits: Number(bits) })
    else if (!/^[0-9a-f:]*:[0-9a-f:.]*(?:\/\d{1,3})?$/i.test(word)) return { problem: `${shown(word)} is no range of addresses` }
  }
  return { of }
}
