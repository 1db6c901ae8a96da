import type { Scope } from '#base'
import type { UserInfo } from '../../../contract.ts'
import { readJws } from '../../../tokens/jws.ts'
import { InvalidToken, type AuthenticatedToken, type TokenAuthenticator } from '../../authenticate/bearer.ts'
import { IssuerKeys } from './issuer-keys.ts'
import type { IssuerRules } from './issuer-rules.ts'
import { type Claims, userOfClaims } from './user-of-claims.ts'

/** A token that was good is taken again for so long without another look. */
const REMEMBER_MS = 10_000
const REMEMBERED = 4096
/** Clocks differ: a token that begins a little later than now is good. One that has ended is not. */
const NOT_BEFORE_LEEWAY_MS = 300_000

interface Known {
  readonly answer: AuthenticatedToken
  readonly endsAt: number
}

/** Tokens of other issuers, each by its own rules. The issuers live until the scope ends. */
export function jwtAuthenticator(scope: Scope, issuers: readonly IssuerRules[]): TokenAuthenticator {
  const byUrl = new Map(issuers.map((rules) => [rules.url, { rules, keys: new IssuerKeys(scope, rules) }]))
  const known = new Map<string, Known>()
  return {
    name: 'jwt',
    authenticateToken({ clock }, token) {
      const remembered = known.get(token)
      if (remembered !== undefined) {
        if (clock.now() < remembered.endsAt) return remembered.answer
        known.delete(token)
      }
      const jws = readJws(token)
      // Nothing that a token calls critical is known here.
      const body = jws === undefined || 'crit' in jws.head ? undefined : jws.body
      const issuer = typeof body?.['iss'] === 'string' ? byUrl.get(body['iss']) : undefined
      if (body === undefined || issuer === undefined) return undefined
      return verify(token, body, issuer, clock.now()).then(({ user, endsAt }) => {
        if (known.size >= REMEMBERED) known.clear()
        const answer = { user }
        known.set(token, { answer, endsAt: Math.min(endsAt, clock.now() + REMEMBER_MS) })
        return answer
      })
    },
  }
}

async function verify(
  token: string,
  claims: Claims,
  { rules, keys }: { readonly rules: IssuerRules; readonly keys: IssuerKeys },
  now: number,
): Promise<{ readonly user: UserInfo; readonly endsAt: number }> {
  const endsAt = checkTimes(claims, now)
  const named = audiencesOf(claims['aud'])
  if (!rules.audiences.some((audience) => named.includes(audience))) {
    throw new InvalidToken(`oidc: verify token: expected audience in ${JSON.stringify(rules.audiences)} got ${JSON.stringify(named)}`)
  }
  const verdict = await keys.check(token)
  if (verdict !== 'good') throw new InvalidToken('oidc: verify token: failed to verify signature')
  return { user: userOfClaims(claims, rules), endsAt }
}

/** When it ends. */
function checkTimes({ exp, nbf }: Claims, now: number): number {
  if (typeof exp !== 'number') throw new InvalidToken('oidc: verify token: it has no expiry')
  const endsAt = exp * 1000
  if (endsAt < now) throw new InvalidToken('oidc: verify token: token is expired')
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf * 1000 > now + NOT_BEFORE_LEEWAY_MS))
    throw new InvalidToken('oidc: verify token: it is not valid yet')
  return endsAt
}

function audiencesOf(aud: unknown): readonly string[] {
  return (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === 'string')
}
