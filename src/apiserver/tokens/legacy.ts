import { timingSafeEqual } from 'node:crypto'
import type { Scope, Secret } from '#base'
import { type core, refs } from '#api'
import { InvalidToken, type TokenAuthenticator } from '../auth/authenticate/bearer.ts'
import { authenticated, serviceAccountGroups, serviceAccountUserName } from '../auth/users.ts'
import type { ObjectReader } from '../contract.ts'
import { checkSignature, readJws } from './jws.ts'
import { type TokenKey, tokenSigner } from './keys.ts'

/** Tokens without an end, kept in Secrets of type `kubernetes.io/service-account-token`: they live as long as the Secret. */
const ISSUER = 'kubernetes/serviceaccount'
const CLAIM = 'kubernetes.io/serviceaccount/'
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
export const LEGACY_LAST_USED = 'kubernetes.io/legacy-token-last-used'

export interface LegacyTokenOptions {
  readonly keys: readonly TokenKey[]
  /** The tokens name none: they are meant for these. */
  readonly audiences: readonly string[]
  readonly reader: ObjectReader
  /** Told of each use of a Secret's token. */
  readonly noteUse?: (scope: Scope, secret: core.Secret) => void
}

export function legacyTokenAuthenticator(options: LegacyTokenOptions): TokenAuthenticator {
  const keys = new Map(options.keys.map((key) => [key.keyId, key]))
  return {
    name: 'legacy-service-account-token',
    authenticateToken(scope, token, audiences) {
      const jws = readJws(token)
      if (jws?.body['iss'] !== ISSUER) return undefined
      checkSignature(jws, keys)
      const matching = audiences === undefined ? options.audiences : audiences.filter((one) => options.audiences.includes(one))
      if (matching.length === 0) throw new InvalidToken('the token is meant for this API server')
      const text = (name: string): string => {
        const value = jws.body[name]
        if (typeof value !== 'string' || value === '') throw new InvalidToken(`${name} claim is missing`)
        return value
      }
      const namespace = text(`${CLAIM}namespace`)
      const account = { name: text(`${CLAIM}service-account.name`), uid: text(`${CLAIM}service-account.uid`) }
      const name = serviceAccountUserName(namespace, account.name)
      if (text('sub') !== name) throw new InvalidToken('sub claim is invalid')
      const secret = livingSecret(options.reader, namespace, text(`${CLAIM}secret.name`), token, account)
      options.noteUse?.(scope, secret)
      return { user: authenticated({ name, uid: account.uid, groups: serviceAccountGroups(namespace), extra: {} }), audiences: matching }
    },
  }
}

/** The Secret that keeps the token. Throws `InvalidToken` when it, or the account, is not the one of the token any more. */
function livingSecret(
  reader: ObjectReader,
  namespace: string,
  name: string,
  token: string,
  account: { readonly name: string; readonly uid: string },
): core.Secret {
  const secret = reader.get(refs.secrets, namespace, name)
  if (secret?.metadata?.deletionTimestamp !== undefined || secret === undefined) throw new InvalidToken('Token has been invalidated')
  const kept = Buffer.from(secret.data?.['token'] ?? '', 'base64')
  const given = Buffer.from(token)
  if (kept.length !== given.length || !timingSafeEqual(kept, given)) throw new InvalidToken("Token does not match server's copy")
  const { metadata } = reader.get(refs.serviceaccounts, namespace, account.name) ?? {}
  if (metadata === undefined || metadata.deletionTimestamp !== undefined || metadata.uid !== account.uid)
    throw new InvalidToken(`ServiceAccount ${namespace}/${account.name} has been deleted`)
  if ((secret.metadata?.labels?.[INVALID_SINCE] ?? '') !== '')
    throw new InvalidToken(`the token in secret ${namespace}/${name} has been marked invalid`)
  return secret
}

export interface LegacyTokenWish {
  readonly namespace: string
  readonly secret: string
  readonly account: { readonly name: string; readonly uid: string }
}

/** Makes such tokens. */
export function legacyTokenSigner(key: Secret): (wish: LegacyTokenWish) => Promise<string> {
  const signer = tokenSigner(key)
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return async ({ namespace, secret, account }) => {
    const claims = {
      iss: ISSUER,
      [`${CLAIM}namespace`]: namespace,
      [`${CLAIM}secret.name`]: secret,
      [`${CLAIM}service-account.name`]: account.name,
      [`${CLAIM}service-account.uid`]: account.uid,
      sub: serviceAccountUserName(namespace, account.name),
    }
    const signed = `${encode({ alg: signer.algorithm, kid: signer.keyId })}.${encode(claims)}`
    return `${signed}.${(await signer.sign(Buffer.from(signed))).toString('base64url')}`
  }
}
