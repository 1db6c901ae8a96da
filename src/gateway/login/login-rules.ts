import { createHash } from 'node:crypto'
import { shown } from '../model/grammar.ts'
import { listed } from '../model/annotations/words.ts'
import { type ClaimRules, readClaimRules } from '../tokens/claim-rules.ts'

const PREFIX = 'sampan.io/login-'
const NAMES = [
  'issuer',
  'client',
  'secret',
  'scopes',
  'return-path',
  'logout-path',
  'session-seconds',
  'recheck-seconds',
  'require',
  'emails',
  'headers',
] as const
export const LOGIN_ANNOTATIONS = NAMES.map((name) => `${PREFIX}${name}`)

/** Where people log in, and by which names. Those who have come in by a door have come in for all routes that have the same one. */
export interface Door {
  /** Of all that is said here: hexadecimal digits. */
  readonly id: string
  /** An address of https, letter by letter as tokens say it. */
  readonly issuer: string
  readonly client: string
  /** `namespace/name` of the Secret that the client proves itself with. */
  readonly secret: string
  readonly scopes: readonly string[]
  readonly returnPath: string
  readonly logoutPath: string
  readonly sessionSeconds: number
  readonly recheckSeconds: number
}

/** Who of those who have come in by the door may ask, and what pods are told of them. */
export interface LoginRules extends ClaimRules {
  readonly door: Door
  /** In lower case: `name@host`, or `@host` for all of a host; of others the issuer has to say that they are theirs. Empty: whoever has no address, too. */
  readonly emails: readonly string[]
}

const DEFAULT_PATHS = { 'return-path': '/oauth2/callback', 'logout-path': '/oauth2/logout' } as const
const SESSION_SECONDS = { usual: 28_800, least: 60, most: 604_800 }
const RECHECK_SECONDS = { usual: 300, least: 30, most: 86_400 }
const DEFAULT_SCOPES = 'openid,profile,email'
const MOST_LISTED = 16
const LONGEST_URI = 512
/** The words of a scope are separated by spaces. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/
const EMAIL = /^[^\s@,]{0,64}@[a-z0-9.-]{1,253}$/

/** The claims that are looked at for `emails`. */
export const EMAIL_CLAIMS = ['email', 'email_verified'] as const

/**
 * Undefined: nobody has to log in. With a problem nobody may pass: an annotation that is not understood might be the one that keeps somebody out, so any that
 * begins like these and is none of them is a problem too.
 */
export function readLoginRules(
  annotations: Readonly<Record<string, string>>,
  namespace: string,
): LoginRules | { readonly problem: string } | undefined {
  const given = Object.keys(annotations).filter((name) => name.startsWith(PREFIX))
  if (given.length === 0) return undefined
  const of = (name: (typeof NAMES)[number]): string | undefined => annotations[`${PREFIX}${name}`]?.trim()
  const foreign = given.find((name) => !LOGIN_ANNOTATIONS.includes(name))
  if (foreign !== undefined) return { problem: `${shown(foreign)} is not known` }
  const issuer = of('issuer') ?? ''
  if (addressProblem(issuer) !== undefined) return { problem: `login-issuer ${shown(issuer)} ${addressProblem(issuer)}` }
  const client = of('client') ?? ''
  if (!/^[\x20-\x7e]{1,256}$/.test(client)) return { problem: 'login-client is to say who the gateway is to the issuer' }
  const secret = of('secret') ?? ''
  if (!/^[a-z0-9.-]{1,253}$/.test(secret)) return { problem: `login-secret ${shown(secret)} is no Secret of ${namespace}` }
  const scopes = [...new Set(['openid', ...listed(of('scopes') ?? DEFAULT_SCOPES)])]
  const scope = scopes.find((one) => !SCOPE.test(one))
  if (scope !== undefined || scopes.length > MOST_LISTED) return { problem: `login-scopes ${shown(scope ?? 'so many')} are not taken` }
  const [returnPath, logoutPath] = [pathOf('return-path'), pathOf('logout-path')]
  if (typeof returnPath === 'object') return returnPath
  if (typeof logoutPath === 'object') return logoutPath
  if (returnPath === logoutPath) return { problem: 'login-return-path and login-logout-path are two' }
  const sessionSeconds = secondsOf('session-seconds', SESSION_SECONDS)
  if (typeof sessionSeconds === 'object') return sessionSeconds
  const recheckSeconds = secondsOf('recheck-seconds', RECHECK_SECONDS)
  if (typeof recheckSeconds === 'object') return recheckSeconds
  const said = readClaimRules('login', of('require'), of('headers'))
  if ('problem' in said) return said
  const emails = listed((of('emails') ?? '').toLowerCase())
  const email = emails.find((one) => !EMAIL.test(one))
  if (email !== undefined || emails.length > MOST_LISTED || (emails.length === 0 && of('emails') !== undefined))
    return { problem: `login-emails ${shown(email ?? 'so')} are not taken: they are NAME@HOST or @HOST, ${MOST_LISTED} at most` }
  const of_ = { issuer, client, secret: `${namespace}/${secret}`, scopes, returnPath, logoutPath, sessionSeconds, recheckSeconds }
  const id = createHash('sha256').update(JSON.stringify(of_)).digest('hex').slice(0, 16)
  return { door: { id, ...of_ }, emails, ...said }

  function pathOf(name: keyof typeof DEFAULT_PATHS): string | { readonly problem: string } {
    const path = of(name) ?? DEFAULT_PATHS[name]
    // Without another spelling, a query or a step up: what is registered at the issuer is this, letter by letter.
    return /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,8}$/.test(path) && path.length <= 128
      ? path
      : { problem: `login-${name} ${shown(path)} is no path of letters, digits and ._~-` }
  }

  function secondsOf(
    name: 'session-seconds' | 'recheck-seconds',
    { usual, least, most }: typeof SESSION_SECONDS,
  ): number | { readonly problem: string } {
    const text = of(name) ?? String(usual)
    const value = Number(text)
    return /^\d{1,7}$/.test(text) && value >= least && value <= most
      ? value
      : { problem: `login-${name} ${shown(text)} is no number from ${least} to ${most}` }
  }
}

/** Why nobody can be asked there; undefined: somebody can. */
export function addressProblem(text: string): string | undefined {
  const url = text.startsWith('https://') && text.length <= LONGEST_URI && URL.canParse(text) ? new URL(text) : undefined
  const isOdd = url === undefined || url.username !== '' || url.password !== '' || url.hash !== '' || /[^\x21-\x7e]/.test(text)
  return isOdd ? 'is no address of https that can be asked' : undefined
}

/** What the gateway has to keep of those who came in, for these rules. */
export const claimsOf = ({ require, headers, emails }: Omit<LoginRules, 'door'>): readonly string[] => [
  ...new Set([...require, ...headers].map(({ claim }) => claim).concat(emails.length === 0 ? [] : EMAIL_CLAIMS)),
]
