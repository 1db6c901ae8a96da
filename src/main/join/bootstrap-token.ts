import { type Random, UserError, rfc3339 } from '#base'
import type { core } from '#api'

/** With which a machine that is to join finds the cluster and asks for its first certificate. Its id is no secret. */
export interface BootstrapToken {
  readonly id: string
  readonly secret: string
}

/** Whoever has a token of ours; the objects of this folder say what that group may. */
export const JOINING_GROUP = 'system:bootstrappers:sampan:default-node-token'
export const TOKEN_NAMESPACE = 'kube-system'
export const TOKEN_SELECTOR = 'type=bootstrap.kubernetes.io/token'
export const secretName = (id: string): string => `bootstrap-token-${id}`

export const tokenText = ({ id, secret }: BootstrapToken): string => `${id}.${secret}`

/** Throws `UserError`, which never holds the secret. */
export function parseToken(text: string): BootstrapToken {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text) ?? []
  if (id === undefined || secret === undefined)
    throw new UserError('the bootstrap token is malformed', 'it has the form ID.SECRET, six and sixteen lower case letters and digits')
  return { id, secret }
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
/** Bytes beyond the last whole multiple of the alphabet would make some letters more likely. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length)

/** From the random source's bytes, which are fit for secrets. */
export function newToken(random: Random): BootstrapToken {
  const letters = (count: number): string => {
    let text = ''
    while (text.length < count) for (const byte of random.bytes(count)) if (byte < FAIR_BYTES) text += ALPHABET[byte % ALPHABET.length]
    return text.slice(0, count)
  }
  return { id: letters(6), secret: letters(16) }
}

export interface TokenWish {
  /** Absent: it does not end by itself. */
  readonly endMs?: number
  readonly description?: string
}

export function tokenObject(token: BootstrapToken, { endMs, description }: TokenWish): core.Secret {
  const data: Readonly<Record<string, string | undefined>> = {
    'token-id': token.id,
    'token-secret': token.secret,
    description,
    expiration: endMs === undefined ? undefined : rfc3339(endMs),
    'usage-bootstrap-authentication': 'true',
    'usage-bootstrap-signing': 'true',
    'auth-extra-groups': JOINING_GROUP,
  }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: TOKEN_NAMESPACE, name: secretName(token.id) },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(
      Object.entries(data).flatMap(([name, text]) => (text === undefined ? [] : [[name, Buffer.from(text).toString('base64')]])),
    ),
  }
}

/** What a person is shown of a token; its secret is not. */
export interface TokenRow {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly endMs: number | undefined
  readonly usages: readonly string[]
  readonly description: string
  readonly groups: readonly string[]
}

export function tokenRow({ data = {} }: core.Secret): TokenRow {
  const text = (name: string): string => Buffer.from(data[name] ?? '', 'base64').toString()
  const usage = 'usage-bootstrap-'
  return {
    id: text('token-id'),
    endMs: text('expiration') === '' ? undefined : Date.parse(text('expiration')),
    usages: Object.keys(data)
      .filter((name) => name.startsWith(usage) && text(name) === 'true')
      .map((name) => name.slice(usage.length))
      .sort(),
    description: text('description'),
    groups: text('auth-extra-groups')
      .split(',')
      .filter((group) => group !== ''),
  }
}
