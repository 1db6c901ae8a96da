import { type KeyObject, createPrivateKey, createPublicKey, hash, sign, verify } from 'node:crypto'
import { type Secret, UserError } from '#base'

/**
 * Keys for service account tokens. RSA keys sign as RS256, which every relying party of an OpenID issuer knows; P-256 keys as ES256.
 * A signature runs on Node's thread pool (0.7 ms for RSA 2048), so that tokens for many pods do not hold the server up.
 */
export interface TokenSigner {
  readonly keyId: string
  readonly algorithm: Algorithm
  sign(data: Uint8Array): Promise<Buffer>
}

export interface TokenKey {
  readonly keyId: string
  readonly algorithm: Algorithm
  verify(data: Uint8Array, signature: Uint8Array): boolean
  /** As published for others (RFC 7517). */
  readonly jwk: Readonly<Record<string, string>>
}

export const ALGORITHMS = ['RS256', 'ES256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export function tokenSigner(privateKeyPem: Secret): TokenSigner {
  const key = createPrivateKey(privateKeyPem.reveal())
  const algorithm = algorithmOf(key)
  return {
    keyId: keyIdOf(createPublicKey(key)),
    algorithm,
    sign: (data) =>
      new Promise((resolve, reject) => {
        sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, (error, signature) =>
          error === null ? resolve(signature) : reject(error),
        )
      }),
  }
}

/** From a public or a private key. */
export function tokenKey(pem: Secret): TokenKey {
  const key = createPublicKey(pem.reveal())
  const algorithm = algorithmOf(key)
  const keyId = keyIdOf(key)
  const jwk = key.export({ format: 'jwk' }) as Record<string, string>
  return {
    keyId,
    algorithm,
    verify: (data, signature) => verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature),
    jwk: { use: 'sig', kid: keyId, alg: algorithm, ...jwk },
  }
}

function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === 'rsa') return 'RS256'
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  throw new UserError(`a service account key of type ${String(key.asymmetricKeyType)} cannot be used`, 'use RSA or ECDSA on P-256')
}

/** Stable for a key and the same as kube-apiserver gives it, so that either can check the other's tokens. */
const keyIdOf = (publicKey: KeyObject): string => hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'base64url')
