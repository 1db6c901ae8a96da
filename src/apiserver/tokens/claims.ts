/** What a service account token says (RFC 7519 and the private claims under `kubernetes.io`). Times are seconds since the epoch. */
export interface TokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: readonly string[]
  readonly exp: number
  readonly iat: number
  readonly nbf: number
  readonly jti: string
  readonly 'kubernetes.io': PrivateClaims
}

export interface PrivateClaims {
  readonly namespace: string
  readonly serviceaccount: ObjectClaim
  readonly pod?: ObjectClaim
  readonly secret?: ObjectClaim
  readonly node?: { readonly name: string; readonly uid?: string }
  /** After this time the token still works, but its user should have taken a new one. */
  readonly warnafter?: number
}
export interface ObjectClaim {
  readonly name: string
  readonly uid: string
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isObjectClaim = (value: unknown): value is ObjectClaim => isRecord(value) && isText(value['name']) && isText(value['uid'])
const isOptional = (value: unknown, check: (value: unknown) => boolean): boolean => value === undefined || check(value)

/** Reads the claims of one of our own tokens, after its signature; undefined when they are not of this form. */
export function readClaims(value: unknown): TokenClaims | undefined {
  if (!isRecord(value)) return undefined
  const { iss, sub, exp, iat, nbf, jti, 'kubernetes.io': own } = value
  const aud = isText(value['aud']) ? [value['aud']] : value['aud']
  if (!isText(iss) || !isText(sub) || !isText(jti) || !isTime(exp) || !isTime(iat) || !isTime(nbf)) return undefined
  if (!Array.isArray(aud) || !aud.every(isText) || !isRecord(own)) return undefined
  const { namespace, serviceaccount, pod, secret, node, warnafter } = own
  if (!isText(namespace) || !isObjectClaim(serviceaccount)) return undefined
  if (!isOptional(pod, isObjectClaim) || !isOptional(secret, isObjectClaim) || !isOptional(warnafter, isTime)) return undefined
  if (!isOptional(node, (one) => isRecord(one) && isText(one['name']) && isOptional(one['uid'], isText))) return undefined
  return { iss, sub, aud, exp, iat, nbf, jti, 'kubernetes.io': own as unknown as PrivateClaims }
}
