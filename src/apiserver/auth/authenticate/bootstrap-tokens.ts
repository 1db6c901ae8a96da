import { createHash, timingSafeEqual } from 'node:crypto'
import { type core, refs } from '#api'
import type { ObjectReader } from '../../contract.ts'
import { GROUPS } from '../users.ts'
import { InvalidToken, type TokenAuthenticator } from './bearer.ts'

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const SECRET_TYPE = 'bootstrap.kubernetes.io/token'
const NAMESPACE = 'kube-system'
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/** Tokens with which nodes that are to join ask for their certificates: Secrets in kube-system, `bootstrap-token-<id>`. */
export function bootstrapTokenAuthenticator(reader: ObjectReader): TokenAuthenticator {
  return {
    name: 'bootstrap-token',
    authenticateToken(scope, token) {
      const match = TOKEN.exec(token)
      if (match === null) return undefined
      const [, id = '', secret = ''] = match
      const found = reader.get(refs.secrets, NAMESPACE, `bootstrap-token-${id}`)
      if (found === undefined || found.metadata?.deletionTimestamp !== undefined) return undefined
      checkToken(found, id, secret, scope.clock.now())
      return {
        user: {
          name: `system:bootstrap:${id}`,
          groups: ['system:bootstrappers', ...extraGroups(found), GROUPS.authenticated],
          extra: {},
        },
      }
    },
  }
}

/** Throws `InvalidToken`; the message never holds the secret. */
function checkToken(found: core.Secret, id: string, secret: string, now: number): void {
  const refuse = (why: string): never => {
    throw new InvalidToken(`bootstrap token ${id}: ${why}`)
  }
  if (found.type !== SECRET_TYPE || textOf(found, 'token-id') !== id) refuse('its Secret is no bootstrap token of that name')
  if (!isSame(textOf(found, 'token-secret') ?? '', secret)) refuse('the secret is another one')
  const expiration = textOf(found, 'expiration')
  if (expiration !== undefined && !(Date.parse(expiration) > now)) refuse('it has expired')
  if (textOf(found, 'usage-bootstrap-authentication') !== 'true') refuse('it is not for authentication')
}

function extraGroups(found: core.Secret): readonly string[] {
  const groups = (textOf(found, 'auth-extra-groups') ?? '').split(',').filter((group) => group !== '')
  const wrong = groups.find((group) => !EXTRA_GROUP.test(group))
  if (wrong !== undefined) throw new InvalidToken(`a bootstrap token cannot be in the group ${wrong}`)
  return [...new Set(groups)].sort()
}

function textOf({ data }: core.Secret, key: string): string | undefined {
  const value = data?.[key]
  return value === undefined || value === null ? undefined : Buffer.from(value, 'base64').toString()
}

/** Takes as long for any two texts. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
