import { createHash, timingSafeEqual } from 'node:crypto'
import type { Random } from '#base'
import { type Said, saidOf, toldOf, valuesOf } from '../tokens/check-token.ts'
import { fieldsOf } from '../tokens/key-set.ts'
import { type Door, EMAIL_CLAIMS, type LoginRules } from './login-rules.ts'
import type { Sealer } from './sealed.ts'

/** Somebody who has come in. What browsers keep of him is this, sealed. */
export interface Session {
  /** Another one for each time that somebody came in. */
  readonly id: string
  readonly subject: string
  readonly endsSeconds: number
  /** When the issuer is asked whether he is still whom it knows; absent: it cannot be asked. */
  readonly recheckSeconds?: number
  readonly refreshToken?: string
  /** Of the claims that were looked at; null: it says nothing that could be compared. */
  readonly said: Said
}

/** Somebody who was sent to log in. The browser takes it along in the address. */
export interface Begun {
  /** A digest of what only the browser has that he was sent from. */
  readonly browser: string
  readonly verifier: string
  /** Path and query. */
  readonly target: string
  readonly endsSeconds: number
}

/** Browsers take 4096 bytes with the name and all attributes. */
const LONGEST_SESSION = 3800
const LONGEST_SUBJECT = 255
const BEGUN_SECONDS = 600
const RANDOM_BYTES = 32
const LONGEST_TARGET = 1024

export const sessionCookie = ({ id }: Pick<Door, 'id'>): string => `__Host-sampan-in-${id}`
export const browserCookie = ({ id }: Pick<Door, 'id'>): string => `__Host-sampan-at-${id}`

const cookie = (name: string, value: string, seconds: number): string =>
  `${name}=${value}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`
export const noCookie = (name: string): string => cookie(name, '', 0)

/** Of what is sealed: another program may have written what this one reads. */
const FORMAT = 1
/** What is sealed for one name of a machine is nothing at another. */
const purposeOf = (what: 'begun' | 'in', { id }: Door, host: string): string => `${what} ${FORMAT} ${id} ${host.replace(/:\d+$/, '')}`

export const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** The start of a login: what the issuer is told, and what the browser keeps. A browser that has begun before keeps what it has: it may have several pages open. */
export function begin(
  door: Door,
  sealer: Sealer,
  { host, target, browser }: { readonly host: string; readonly target: string; readonly browser: string | undefined },
  random: Random,
  nowSeconds: number,
): { readonly parameters: Readonly<Record<string, string>>; readonly cookies: readonly string[] } {
  const word = (): string => Buffer.from(random.bytes(RANDOM_BYTES)).toString('base64url')
  const own = browser !== undefined && /^[A-Za-z0-9_-]{43}$/.test(browser) ? browser : word()
  const verifier = word()
  const begun: Begun = { browser: digest(own), verifier, target: targetOf(door, target), endsSeconds: nowSeconds + BEGUN_SECONDS }
  return {
    parameters: {
      response_type: 'code',
      client_id: door.client,
      redirect_uri: returnAddress(door, host),
      scope: door.scopes.join(' '),
      // Who takes the request back is found by its beginning.
      state: `${door.id}.${sealer.seal(purposeOf('begun', door, host), JSON.stringify(begun), random)}`,
      nonce: nonceOf(verifier),
      code_challenge: digest(verifier),
      code_challenge_method: 'S256',
    },
    cookies: [cookie(browserCookie(door), own, BEGUN_SECONDS)],
  }
}

export const returnAddress = ({ returnPath }: Door, host: string): string => `https://${host}${returnPath}`

/** The issuer puts it into the token: another login's token has another one. */
export const nonceOf = (verifier: string): string => digest(`nonce ${verifier}`)

/** Where somebody wanted to go, if it is a place and not a step of logging in. */
function targetOf({ returnPath, logoutPath }: Door, target: string): string {
  const isPlace = /^\/[\x21-\x7e]*$/.test(target) && target.length <= LONGEST_TARGET
  const [path = ''] = target.split('?')
  return isPlace && path !== returnPath && path !== logoutPath ? target : '/'
}

/** Undefined: nobody was sent to log in with this, from this host. */
export function readBegun(door: Door, sealer: Sealer, host: string, state: string): Begun | undefined {
  const text = state.startsWith(`${door.id}.`) ? sealer.open(purposeOf('begun', door, host), state.slice(door.id.length + 1)) : undefined
  return text === undefined ? undefined : (JSON.parse(text) as Begun)
}

export function isOfBrowser(begun: Begun, browser: string | undefined): boolean {
  return browser !== undefined && timingSafeEqual(Buffer.from(digest(browser)), Buffer.from(begun.browser))
}

/** What is kept of somebody of whom the issuer says this. With a problem he is not let in. */
export function enter(
  door: Door,
  claims: Iterable<string>,
  said: Said,
  refreshToken: string | undefined,
  random: Random,
  nowSeconds: number,
): Session | { readonly problem: string } {
  const subject = saidOf(said, 'sub')
  if (typeof subject !== 'string' || subject === '' || subject.length > LONGEST_SUBJECT) return { problem: 'it does not say who it is' }
  return {
    id: Buffer.from(random.bytes(16)).toString('base64url'),
    subject,
    endsSeconds: nowSeconds + door.sessionSeconds,
    ...(refreshToken === undefined ? {} : { refreshToken, recheckSeconds: nowSeconds + door.recheckSeconds }),
    said: kept(claims, said),
  }
}

/** The same session after the issuer was asked again: it never lasts longer than it did. */
export function afterRecheck(
  door: Door,
  before: Session,
  claims: Iterable<string>,
  said: Said | undefined,
  refreshToken: string | undefined,
  nowSeconds: number,
): Session {
  return {
    ...before,
    refreshToken: refreshToken ?? before.refreshToken ?? '',
    recheckSeconds: nowSeconds + door.recheckSeconds,
    said: said === undefined ? before.said : kept(claims, said),
  }
}

const kept = (claims: Iterable<string>, said: Said): Said =>
  Object.fromEntries(
    [...claims].map((claim) => {
      const value = saidOf(said, claim)
      return [claim, valuesOf(claim, value) === undefined ? null : value]
    }),
  )

/** Undefined: browsers would not keep so much. What the issuer could be asked with is given up before that. */
export function cookieOf(
  door: Door,
  sealer: Sealer,
  host: string,
  session: Session,
  random: Random,
  nowSeconds: number,
): string | undefined {
  const { refreshToken: _, recheckSeconds: __, ...short } = session
  const value = [session, short]
    .map((one) => sealer.seal(purposeOf('in', door, host), JSON.stringify(one), random))
    .find((text) => text.length <= LONGEST_SESSION)
  return value === undefined ? undefined : cookie(sessionCookie(door), value, session.endsSeconds - nowSeconds)
}

/** Undefined: it is none, or over, or of another door or host. */
export function readSession(door: Door, sealer: Sealer, host: string, text: string | undefined, nowSeconds: number): Session | undefined {
  const opened = text === undefined || text.length > LONGEST_SESSION ? undefined : sealer.open(purposeOf('in', door, host), text)
  const session = opened === undefined ? undefined : (JSON.parse(opened) as Session)
  return session !== undefined && nowSeconds < session.endsSeconds ? session : undefined
}

/** What pods are told of him; `unknown`: not all that these rules look at was kept when he came in. */
export function toldOfSession({ said }: Session, rules: LoginRules, claims: readonly string[]): ReturnType<typeof toldOf> | 'unknown' {
  if (claims.some((claim) => !Object.hasOwn(said, claim))) return 'unknown'
  if (rules.emails.length > 0 && !isAmong(rules.emails, fieldsOf(said)))
    return { kind: 'refused', status: 403, why: 'his address is not among them' }
  return toldOf(said, rules)
}

function isAmong(emails: readonly string[], said: Said): boolean {
  const [email, isVerified] = EMAIL_CLAIMS.map((claim) => saidOf(said, claim))
  if (typeof email !== 'string' || (isVerified !== true && isVerified !== 'true')) return false
  const own = email.toLowerCase()
  return emails.some((one) => (one.startsWith('@') ? own.slice(own.lastIndexOf('@')) === one : own === one))
}
