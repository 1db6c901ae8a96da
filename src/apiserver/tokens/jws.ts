import { InvalidToken } from '../auth/authenticate/bearer.ts'
import type { TokenKey } from './keys.ts'

/** Longer ones are not looked at: a token with every claim has 1.5 KB. */
const LONGEST_TOKEN = 16_384

/** A compact JWS (RFC 7515), read and not yet trusted. */
export interface Jws {
  readonly head: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
  readonly signed: Buffer
  readonly signature: Buffer
}

/** Undefined for what is none. */
export function readJws(token: string): Jws | undefined {
  if (token.length > LONGEST_TOKEN) return undefined
  const [header, payload, signature, ...more] = token.split('.')
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined
  const head = decode(header)
  const body = decode(payload)
  if (head === undefined || body === undefined) return undefined
  return { head, body, signed: Buffer.from(`${header}.${payload}`), signature: Buffer.from(signature, 'base64url') }
}

/** Throws `InvalidToken`. */
export function checkSignature({ head, signed, signature }: Jws, keys: ReadonlyMap<string, TokenKey>): void {
  const key = typeof head['kid'] === 'string' ? keys.get(head['kid']) : undefined
  if (key === undefined || head['alg'] !== key.algorithm || 'crit' in head) throw new InvalidToken('the token is signed by an unknown key')
  if (!key.verify(signed, signature)) throw new InvalidToken('invalid signature')
}

function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
