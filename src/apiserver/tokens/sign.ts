import type { Scope } from '#base'
import type { PrivateClaims, TokenClaims } from './claims.ts'
import type { TokenSigner } from './keys.ts'

export interface TokenWish {
  readonly issuer: string
  readonly subject: string
  readonly audiences: readonly string[]
  readonly lifetimeSeconds: number
  readonly own: PrivateClaims
}

/** Makes a token (a compact JWS). The token is a secret: it belongs into the answer and nowhere else. */
export async function signToken(scope: Scope, signer: TokenSigner, wish: TokenWish): Promise<string> {
  const now = Math.floor(scope.clock.now() / 1000)
  const claims: TokenClaims = {
    aud: wish.audiences,
    exp: now + wish.lifetimeSeconds,
    iat: now,
    iss: wish.issuer,
    jti: scope.random.uuid(),
    'kubernetes.io': wish.own,
    nbf: now,
    sub: wish.subject,
  }
  const signed = `${encode({ alg: signer.algorithm, kid: signer.keyId })}.${encode(claims)}`
  const signature = await signer.sign(Buffer.from(signed))
  return `${signed}.${signature.toString('base64url')}`
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
