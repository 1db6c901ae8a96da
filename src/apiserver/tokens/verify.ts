import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, refs } from '#api'
import { type AuthenticatedToken, InvalidToken, type TokenAuthenticator } from '../auth/authenticate/bearer.ts'
import { EXTRA, authenticated, serviceAccountGroups, serviceAccountUserName } from '../auth/users.ts'
import type { ObjectReader, UserInfo } from '../contract.ts'
import { type ObjectClaim, type TokenClaims, readClaims } from './claims.ts'
import { checkSignature, readJws } from './jws.ts'
import type { TokenKey } from './keys.ts'
import type { TokenMetrics } from './token-metrics.ts'

export interface ServiceAccountTokenOptions {
  /** The first signs new tokens; tokens of all are accepted. */
  readonly issuers: readonly string[]
  readonly keys: readonly TokenKey[]
  /** Tokens must name one of these unless the caller asks for others. */
  readonly audiences: readonly string[]
  readonly reader: ObjectReader
  readonly metrics?: TokenMetrics
}

/** Clocks of machines differ by as much; objects that are being deleted keep their tokens for as long. */
const LEEWAY_MS = 60_000
/** How many tokens are remembered; more start over. A signature is checked in 30 µs, so that hurts little. */
const REMEMBERED = 8192
const KEY_LENGTH = 48

/**
 * Accepts the tokens that `serviceaccounts/token` gives out. Signature and form of a token are checked once; its times, and that the
 * objects that it is bound to are still the same ones, each time.
 */
export function serviceAccountTokenAuthenticator(options: ServiceAccountTokenOptions): TokenAuthenticator {
  const known = new Map<string, Known>()
  const keys = new Map(options.keys.map((key) => [key.keyId, key]))
  return {
    name: 'service-account-token',
    authenticateToken(scope, token, audiences) {
      // The end of a signature is as good a key as the whole token, and ten times cheaper to look up.
      const key = token.slice(-KEY_LENGTH)
      let found = known.get(key)
      if (found?.token !== token) {
        const claims = checked(token, options, keys)
        if (claims === undefined) return undefined
        if (known.size >= REMEMBERED) known.clear()
        found = { token, claims, user: userOf(claims), ownAudiences: { matching: intersect(claims.aud, options.audiences) } }
        known.set(key, found)
      } else {
        options.metrics?.known()
      }
      const accepted = accept(scope, options, found, audiences)
      options.metrics?.accepted()
      return accepted
    },
  }
}

interface Known {
  readonly token: string
  readonly claims: TokenClaims
  readonly user: UserInfo
  readonly ownAudiences: { readonly matching: readonly string[] }
}

const intersect = (token: readonly string[], wanted: readonly string[]): readonly string[] => wanted.filter((one) => token.includes(one))
const quoted = (texts: readonly string[]): string => `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`

function accept(scope: Scope, options: ServiceAccountTokenOptions, known: Known, asked: readonly string[] | undefined): AuthenticatedToken {
  const { claims, user } = known
  const matching = asked === undefined ? known.ownAudiences.matching : intersect(claims.aud, asked)
  if (matching.length === 0) {
    throw new InvalidToken(
      `token audiences ${quoted(claims.aud)} is invalid for the target audiences ${quoted(asked ?? options.audiences)}`,
    )
  }
  const nowMs = scope.clock.now()
  if (nowMs > claims.exp * 1000 + LEEWAY_MS) throw new InvalidToken('service account token has expired')
  if (nowMs < claims.nbf * 1000 - LEEWAY_MS) throw new InvalidToken('service account token is not valid yet')
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io']
  const { reader } = options
  mustLive(reader, refs.serviceaccounts, 'ServiceAccount', namespace, serviceaccount, nowMs)
  if (secret !== undefined) mustLive(reader, refs.secrets, 'Secret', namespace, secret, nowMs)
  if (pod !== undefined) mustLive(reader, refs.pods, 'Pod', namespace, pod, nowMs)
  // A node beside a pod only tells where the pod ran; a node alone is what the token is bound to.
  else if (node?.uid !== undefined) mustLive(reader, refs.nodes, 'Node', '', { name: node.name, uid: node.uid }, nowMs)
  return { user, audiences: matching }
}

function mustLive<T extends KubeObject>(
  reader: ObjectReader,
  ref: ResourceRef<T>,
  kind: string,
  namespace: string,
  claim: ObjectClaim,
  nowMs: number,
): void {
  const metadata = reader.get(ref, namespace, claim.name)?.metadata
  if (metadata === undefined) throw new InvalidToken(`the ${kind} of the service account token does not exist`)
  if (metadata.uid !== claim.uid) throw new InvalidToken(`the ${kind} of the service account token has been replaced`)
  const { deletionTimestamp } = metadata
  if (deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < nowMs - LEEWAY_MS) {
    throw new InvalidToken(`the ${kind} of the service account token has been deleted`)
  }
}

function userOf(claims: TokenClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io']
  const extra: Record<string, readonly string[]> = { [EXTRA.credentialId]: [`JTI=${claims.jti}`] }
  if (node !== undefined) {
    extra[EXTRA.nodeName] = [node.name]
    if (node.uid !== undefined) extra[EXTRA.nodeUid] = [node.uid]
  }
  if (pod !== undefined) {
    extra[EXTRA.podName] = [pod.name]
    extra[EXTRA.podUid] = [pod.uid]
  }
  return authenticated({
    name: serviceAccountUserName(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: serviceAccountGroups(namespace),
    extra,
  })
}

/** The same, counted. */
function checked(
  token: string,
  { issuers, metrics }: ServiceAccountTokenOptions,
  keys: ReadonlyMap<string, TokenKey>,
): TokenClaims | undefined {
  try {
    const claims = check(token, issuers, keys)
    if (claims !== undefined) metrics?.checked(true)
    return claims
  } catch (error) {
    metrics?.checked(false)
    throw error
  }
}

/** Undefined for what is no token of ours. */
function check(token: string, issuers: readonly string[], keys: ReadonlyMap<string, TokenKey>): TokenClaims | undefined {
  const jws = readJws(token)
  if (typeof jws?.body['iss'] !== 'string' || !issuers.includes(jws.body['iss'])) return undefined
  checkSignature(jws, keys)
  const claims = readClaims(jws.body)
  if (claims === undefined) throw new InvalidToken('the token is not of a service account')
  const { namespace, serviceaccount } = claims['kubernetes.io']
  if (claims.sub !== serviceAccountUserName(namespace, serviceaccount.name)) throw new InvalidToken('sub claim is invalid')
  return claims
}
