import type { IdentityExpression } from '#api'
import type { UserInfo } from '../../../contract.ts'
import { InvalidToken } from '../../authenticate/bearer.ts'
import { EXTRA, authenticated } from '../../users.ts'
import type { ClaimSource, IdentityRules, RuleCheck } from './identity-rules.ts'

export type Claims = Readonly<Record<string, unknown>>

const refuse = (why: string): never => {
  throw new InvalidToken(`oidc: ${why}`)
}
const has = (claims: Claims, name: string): boolean => Object.hasOwn(claims, name)

/** The user whom claims of a token that is good speak of. Throws `InvalidToken`. */
export function userOfClaims(claims: Claims, rules: IdentityRules): UserInfo {
  const name = nameOf(claims, rules.username)
  const groups = rules.groups === undefined ? [] : groupsOf(claims, rules.groups)
  const uid = rules.uid === undefined ? '' : textOf(claims, rules.uid, 'uid')
  const extra = extraOf(claims, rules.extra)
  for (const [claim, value] of rules.required) {
    if (!has(claims, claim)) refuse(`required claim ${claim} not present in ID token`)
    if (claimText(claims, claim, 'claim') !== value) refuse(`required claim ${claim} value does not match`)
  }
  for (const check of rules.claimChecks) mustHold(check, claims, 'claim validation expression')
  const shown = { username: name, uid, groups, extra }
  for (const check of rules.userChecks) mustHold(check, shown, 'user info validation rule')
  return authenticated({ name, ...(uid === '' ? {} : { uid }), groups, extra })
}

function nameOf(claims: Claims, source: ClaimSource): string {
  const name = textOf(claims, source, 'username')
  if ('claim' in source && source.claim === 'email' && has(claims, 'email_verified') && claims['email_verified'] !== true)
    refuse('email not verified')
  if (name === '') refuse('empty username is not allowed')
  return 'claim' in source ? source.prefix + name : name
}

function textOf(claims: Claims, source: ClaimSource, what: string): string {
  if ('claim' in source) return claimText(claims, source.claim, `${what} claim`)
  const value = evaluated(source.expression, claims, `${what} claim expression`)
  return typeof value === 'string'
    ? value
    : refuse(`error evaluating ${what} claim expression: ${what} claim expression must return a string`)
}

function claimText(claims: Claims, claim: string, what: string): string {
  const value = has(claims, claim) ? claims[claim] : undefined
  if (value === null) return ''
  return typeof value === 'string'
    ? value
    : refuse(`parse ${what} ${JSON.stringify(claim)}: it is ${value === undefined ? 'not present' : 'not a string'}`)
}

function groupsOf(claims: Claims, source: ClaimSource): readonly string[] {
  if ('expression' in source) return stringsOf(source.expression, claims, 'group')
  const { claim, prefix } = source
  if (!has(claims, claim)) {
    const names = claims['_claim_names']
    // Their place is said elsewhere: following a token's own addresses is not done here.
    if (typeof names === 'object' && names !== null && Object.hasOwn(names, claim)) refuse(`the claim ${claim} is a distributed one`)
    return []
  }
  const value = claims[claim] ?? []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.map((group) =>
    typeof group === 'string' ? prefix + group : refuse(`parse groups claim ${JSON.stringify(claim)}: not a string or a list of strings`),
  )
}

function extraOf(claims: Claims, sources: IdentityRules['extra']): UserInfo['extra'] {
  const entries = sources.map(({ key, expression }) => [key, stringsOf(expression, claims, 'extra')] as const)
  const { jti } = claims
  const id = typeof jti === 'string' && jti !== '' ? [[EXTRA.credentialId, [`JTI=${jti}`]] as const] : []
  return Object.fromEntries([...id, ...entries.filter(([, values]) => values.length > 0)])
}

/** Empty texts are left out. */
function stringsOf(expression: IdentityExpression, claims: Claims, what: string): readonly string[] {
  const value = evaluated(expression, claims, `${what} claim expression`)
  const list = value === null ? [] : typeof value === 'string' ? [value] : value
  if (typeof list === 'boolean')
    return refuse(`error evaluating ${what} claim expression: expression must return a string or a list of strings`)
  return list.filter((text) => text !== '')
}

function mustHold({ expression, message }: RuleCheck, json: Claims, what: string): void {
  const value = evaluated(expression, json, what)
  if (value === true) return
  refuse(
    `error evaluating ${what}: ${typeof value === 'boolean' ? `validation expression '${expression.source}' failed: ${message}` : 'validation expression must return a boolean'}`,
  )
}

function evaluated(expression: IdentityExpression, json: Claims, what: string): string | boolean | null | readonly string[] {
  const value = expression.evaluate(json)
  return typeof value === 'object' && value !== null && 'unfit' in value ? refuse(`error evaluating ${what}: ${value.unfit}`) : value
}
