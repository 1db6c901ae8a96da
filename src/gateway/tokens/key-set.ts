import { type KeyObject, createHash, createPublicKey } from 'node:crypto'

/** Signatures that anybody can check and only one can make. A secret that both sides know is none of them: who may check could sign too. */
export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export interface VerifyingKey {
  /** As its owner calls it. */
  readonly id: string | undefined
  /** What it may be used for: a signature by anything else is none, whatever a token says of itself. */
  readonly algorithms: readonly Algorithm[]
  readonly key: KeyObject
}

export interface KeySet {
  readonly keys: readonly VerifyingKey[]
  /** Another set has another one. */
  readonly fingerprint: string
}

export type ReadKeySet = KeySet | { readonly problem: string }

export const LONGEST_KEYS = 262_144
const MOST_KEYS = 32
const LEAST_RSA_BITS = 2048
const MOST_RSA_BITS = 8192
const OF_RSA: readonly Algorithm[] = ALGORITHMS.filter((name) => name.startsWith('RS') || name.startsWith('PS'))
const OF_CURVE: ReadonlyMap<string, Algorithm> = new Map([
  ['prime256v1', 'ES256'],
  ['secp384r1', 'ES384'],
  ['secp521r1', 'ES512'],
])
/** What is read of a key; what else is in it, and be it its secret half, is not looked at. */
const PUBLIC_PARTS = ['kty', 'n', 'e', 'crv', 'x', 'y'] as const

/** A JWK set, or one public key as PEM. Keys of it that could not be used are passed over; a set without any that could is a problem. */
export function readKeySet(text: string): ReadKeySet {
  if (text.length > LONGEST_KEYS) return { problem: `they are longer than ${LONGEST_KEYS} bytes` }
  if (text.trimStart().startsWith('-----BEGIN')) return readPem(text)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return { problem: 'they are neither a JWK set nor a public key as PEM' }
  }
  const all = fieldsOf(document)['keys']
  if (!Array.isArray(all)) return { problem: 'they are no JWK set: there is no list of keys' }
  const keys = all.flatMap((jwk: unknown) => readJwk(fieldsOf(jwk)) ?? [])
  if (keys.length === 0)
    return {
      problem: `none of its ${all.length} keys can be used: they are public ones of RSA (2048 bits and more), P-256, P-384, P-521 or Ed25519`,
    }
  if (keys.length > MOST_KEYS) return { problem: `there are ${keys.length} keys: there may be ${MOST_KEYS}` }
  return setOf(keys)
}

function readPem(text: string): ReadKeySet {
  if (text.includes('PRIVATE')) return { problem: 'there is a private key: the gateway only ever needs the public one' }
  const key = publicKey(text)
  const algorithms = key === undefined ? [] : algorithmsOf(key)
  return key === undefined || algorithms.length === 0
    ? { problem: 'its PEM is no key that can be used' }
    : setOf([{ id: undefined, algorithms, key }])
}

function readJwk(jwk: Readonly<Record<string, unknown>>): VerifyingKey | undefined {
  const { kid, alg, use = 'sig', key_ops: operations = ['verify'] } = jwk
  if (use !== 'sig' || !Array.isArray(operations) || !operations.includes('verify')) return undefined
  if (kid !== undefined && typeof kid !== 'string') return undefined
  const key = publicKey({
    key: Object.fromEntries(PUBLIC_PARTS.flatMap((part) => (typeof jwk[part] === 'string' ? [[part, jwk[part]]] : []))),
    format: 'jwk',
  })
  const algorithms = key === undefined ? [] : algorithmsOf(key).filter((one) => alg === undefined || alg === one)
  return key === undefined || algorithms.length === 0 ? undefined : { id: kid, algorithms, key }
}

function publicKey(from: Parameters<typeof createPublicKey>[0]): KeyObject | undefined {
  try {
    return createPublicKey(from)
  } catch {
    return undefined
  }
}

function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails: details }: KeyObject): readonly Algorithm[] {
  const bits = details?.modulusLength ?? 0
  switch (asymmetricKeyType) {
    case 'rsa':
      return bits >= LEAST_RSA_BITS && bits <= MOST_RSA_BITS ? OF_RSA : []
    case 'ec':
      return [OF_CURVE.get(details?.namedCurve ?? '') ?? []].flat()
    case 'ed25519':
      return ['EdDSA']
    default:
      return []
  }
}

function setOf(keys: readonly VerifyingKey[]): KeySet {
  const hash = createHash('sha256')
  for (const { id, algorithms, key } of keys) hash.update(JSON.stringify([id ?? null, algorithms, key.export({ format: 'jwk' })]))
  return { keys, fingerprint: hash.digest('hex') }
}

export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
