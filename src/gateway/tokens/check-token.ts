import { constants, verify } from 'node:crypto'
import { type Algorithm, type KeySet, type VerifyingKey, fieldsOf } from './key-set.ts'
import type { TokenRules } from './token-rules.ts'

/** Those without a value are not sent. */
export type SaidHeaders = readonly { readonly header: string; readonly value: string | undefined }[]
/** `why` is a sentence of ours, without anything that the token says. */
export interface Refused {
  readonly kind: 'refused'
  readonly status: 401 | 403
  readonly why: string
}
/** It may be signed with a key that is newer than these. */
interface UnknownKey {
  readonly kind: 'unknown-key'
}
export type TokenVerdict = { readonly kind: 'good'; readonly untilSeconds: number; readonly headers: SaidHeaders } | Refused | UnknownKey

export type Said = Readonly<Record<string, unknown>>
/** What a token says that is good now, and until when it is. */
export type ReadToken = { readonly kind: 'read'; readonly said: Said; readonly endsSeconds: number } | Refused | UnknownKey

export const LONGEST_TOKEN = 8192
/** Of a token that does not say which key it is signed with. */
const MOST_TRIES = 4
const LONGEST_VALUE = 1024
/** Nobody is believed for longer without being looked at again. */
const LONGEST_SECONDS = 3600
const PARTS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/
/** Claims that are words with spaces between them. */
const WORDS: ReadonlySet<string> = new Set(['scope', 'scp'])

const refused = (why: string, status: 401 | 403 = 401): Refused => ({ kind: 'refused', status, why })

/** What a token is worth. Pure: the same at the same time. */
export function checkToken(token: string, rules: TokenRules, keys: KeySet, nowMs: number): TokenVerdict {
  const read = readToken(token, rules, keys, nowMs)
  if (read.kind !== 'read') return read
  const told = toldOf(read.said, rules)
  if ('kind' in told) return told
  return { kind: 'good', untilSeconds: Math.floor(Math.min(read.endsSeconds, nowMs / 1000 + LONGEST_SECONDS)), headers: told.headers }
}

export type SigningRules = Pick<TokenRules, 'issuer' | 'audiences' | 'algorithms' | 'leewaySeconds'>

/** Whoever has signed it, for whom, and when it is good. */
export function readToken(token: string, rules: SigningRules, { keys }: KeySet, nowMs: number): ReadToken {
  const [, head = '', body = '', signature = ''] = (token.length <= LONGEST_TOKEN ? PARTS.exec(token) : null) ?? []
  const header = jsonOf(head)
  if (header === undefined) return refused('it is no signed token')
  const { alg, kid, crit } = header
  // What has to be understood, and is not known here, is not understood.
  if (crit !== undefined || header['b64'] !== undefined) return refused('it wants what is not known')
  const algorithm = rules.algorithms.find((name) => name === alg)
  if (algorithm === undefined) return refused('its algorithm is not taken')
  if (kid !== undefined && typeof kid !== 'string') return refused('it is no signed token')
  // A key without a name, as one from PEM, may be the one that is meant.
  const meant = kid === undefined ? keys : [...keys.filter(({ id }) => id === kid), ...keys.filter(({ id }) => id === undefined)]
  const fitting = meant.filter(({ algorithms }) => algorithms.includes(algorithm)).slice(0, MOST_TRIES)
  if (fitting.length === 0)
    return kid !== undefined && keys.some(({ id }) => id === kid)
      ? refused('its algorithm is not that of its key')
      : { kind: 'unknown-key' }
  const signed = Buffer.from(`${head}.${body}`, 'latin1')
  const bytes = Buffer.from(signature, 'base64url')
  if (!fitting.some((key) => isSigned(algorithm, key, signed, bytes))) return refused('its signature is not good')
  const claims = jsonOf(body)
  return claims === undefined ? refused('it is no signed token') : checkClaims(claims, rules, nowMs / 1000)
}

/** What it says of this; never what an object has anyway. */
export const saidOf = (said: Said, claim: string): unknown => (Object.hasOwn(said, claim) ? said[claim] : undefined)

function checkClaims(said: Said, rules: SigningRules, now: number): ReadToken {
  const { issuer, audiences, leewaySeconds: leeway } = rules
  const of = (name: string): unknown => saidOf(said, name)
  if (of('iss') !== issuer) return refused('it is of another issuer')
  const audience = [of('aud')].flat()
  if (audiences !== undefined && !audiences.some((one) => audience.includes(one))) return refused('it is for somebody else')
  const [ends, begins = 0] = [of('exp'), of('nbf')]
  if (!isTime(ends)) return refused('it does not say when it ends')
  if (now >= ends + leeway) return refused('it has expired')
  if (!isTime(begins) || now < begins - leeway) return refused('it is not good yet')
  return { kind: 'read', said, endsSeconds: ends + leeway }
}

/** What pods are told of somebody, where he is said to be what is required. */
export function toldOf(
  said: Said,
  { require, headers }: Pick<TokenRules, 'require' | 'headers'>,
): { readonly headers: SaidHeaders } | Refused {
  const unheld = require.find(({ claim, values }) => {
    const all = valuesOf(claim, saidOf(said, claim))
    return all === undefined || (values.length > 0 && !values.some((value) => all.includes(value)))
  })
  if (unheld !== undefined) return refused('it does not say what is required', 403)
  const told = headers.map(({ header, claim }) => ({
    header,
    value: valuesOf(claim, saidOf(said, claim))?.join(WORDS.has(claim) ? ' ' : ','),
  }))
  return told.some(({ value = '' }) => value.length > LONGEST_VALUE || /\p{Cc}/u.test(value))
    ? refused('what it says cannot be passed on')
    : { headers: told }
}

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0

/** Texts, numbers and truth values, alone or in a list; undefined: it says nothing that could be compared. */
export function valuesOf(claim: string, value: unknown): readonly string[] | undefined {
  if (typeof value === 'string' && WORDS.has(claim)) return value.split(' ').filter((word) => word !== '')
  const all = [value].flat()
  const texts = all.flatMap((one) => (typeof one === 'string' || typeof one === 'boolean' || Number.isFinite(one) ? [String(one)] : []))
  return value !== undefined && texts.length === all.length ? texts : undefined
}

function jsonOf(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url')))
    return fieldsOf(value) === value ? fieldsOf(value) : undefined
  } catch {
    return undefined
  }
}

function isSigned(algorithm: Algorithm, { key }: VerifyingKey, signed: Buffer, signature: Buffer): boolean {
  if (algorithm === 'EdDSA') return verify(null, signed, key, signature)
  const hash = `sha${algorithm.slice(2)}`
  switch (algorithm.slice(0, 2)) {
    case 'RS':
      return verify(hash, signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
    case 'PS':
      return verify(
        hash,
        signed,
        { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
        signature,
      )
    default:
      return verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
  }
}
