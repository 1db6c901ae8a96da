import { type JSONWebKeySet, compactVerify, createLocalJWKSet, errors } from 'jose'

/** The keys with which an issuer signs, ready to check with. */
export type SigningKeys = ReturnType<typeof createLocalJWKSet>

/** Undefined for what is no set of keys. Keys of kinds that are not known are passed over. */
export function signingKeys(document: unknown): SigningKeys | undefined {
  try {
    return createLocalJWKSet(document as JSONWebKeySet)
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

/** Whether one of the keys has signed the token, by one of the algorithms. */
export async function checkSignedBy(
  token: string,
  keys: SigningKeys,
  algorithms: readonly string[],
): Promise<'good' | 'wrong' | 'unknown-key'> {
  const options = { algorithms: [...algorithms] }
  try {
    await compactVerify(token, keys, options)
    return 'good'
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return 'unknown-key'
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return wrong(error)
    // A token that does not say which key: any of those that fit.
    for await (const key of error) {
      try {
        await compactVerify(token, key, options)
        return 'good'
      } catch (other) {
        wrong(other)
      }
    }
    return 'unknown-key'
  }
}

/** A key that is too short or of the wrong kind is a TypeError there: no token is good by it. */
function wrong(error: unknown): 'wrong' {
  if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) return 'wrong'
  throw error
}
