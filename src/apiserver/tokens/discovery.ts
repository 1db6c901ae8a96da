import type { RawRoute } from '../contract.ts'
import type { TokenKey } from './keys.ts'

const MAX_AGE_SECONDS = 3600
const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

/** What others need to check our service account tokens themselves: OpenID Connect discovery and the public keys. */
export function issuerDiscoveryRoutes(issuer: string, keys: readonly TokenKey[]): readonly RawRoute[] {
  const jwks = encode({ keys: keys.map((key) => key.jwk) })
  return [
    {
      path: '/.well-known/openid-configuration',
      contentType: 'application/json',
      maxAgeSeconds: MAX_AGE_SECONDS,
      body: (_scope, { host }) =>
        encode({
          issuer,
          jwks_uri: `https://${host}/openid/v1/jwks`,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: [...new Set(keys.map((key) => key.algorithm))].sort(),
        }),
    },
    { path: '/openid/v1/jwks', contentType: 'application/jwk-set+json', maxAgeSeconds: MAX_AGE_SECONDS, body: () => jwks },
  ]
}
