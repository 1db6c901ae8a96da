import { type KeyObject, constants, createHmac, generateKeyPairSync, sign } from 'node:crypto'

/** Somebody who signs tokens with one key. */
export interface Signer {
  readonly jwk: Readonly<Record<string, unknown>>
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  /** With a header that says `alg` unless it says otherwise. */
  token(claims: object, header?: object): string
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** By `alg`, with a new key or the one that somebody else has. */
export function signer(
  alg: 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'EdDSA',
  kid: string,
  pair?: Pick<Signer, 'publicKey' | 'privateKey'>,
): Signer {
  const { publicKey, privateKey } =
    pair ??
    (alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : alg === 'RS256' || alg === 'PS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-256' : 'P-384' }))
  const padding = alg === 'PS256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}
  const encoding = alg.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : {}
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' },
    publicKey,
    privateKey,
    token(claims, header = {}) {
      const text = `${part({ alg, kid, ...header })}.${part(claims)}`
      const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`
      return `${text}.${sign(hash, Buffer.from(text), { key: privateKey, ...padding, ...encoding }).toString('base64url')}`
    },
  }
}

/** A token that takes the public key for a secret that both sides know. */
export function hmacToken(key: KeyObject, claims: object, header: object): string {
  const text = `${part({ alg: 'HS256', ...header })}.${part(claims)}`
  const secret = key.export({ type: 'spki', format: 'pem' })
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

export const unsignedToken = (claims: object, header: object = {}): string => `${part({ alg: 'none', ...header })}.${part(claims)}.`

export const keySetText = (...signers: readonly Signer[]): string => JSON.stringify({ keys: signers.map(({ jwk }) => jwk) })
