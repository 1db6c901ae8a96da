import { createHmac } from 'node:crypto'
import type { core } from '#api'

const TYPE = 'bootstrap.kubernetes.io/token'
const PREFIX = 'bootstrap-token-'
const SIGNATURE = 'jws-kubeconfig-'

const textOf = (secret: core.Secret, name: string): string => Buffer.from(secret.data?.[name] ?? '', 'base64').toString()

/** The Secrets that are bootstrap tokens. */
export const BOOTSTRAP_TOKENS = { namespace: 'kube-system', fieldSelector: `type=${TYPE}` }

/** Undefined: it has no end. What is no time has ended. */
export function endsAtMs(secret: core.Secret): number | undefined {
  const text = textOf(secret, 'expiration')
  if (text === '') return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? 0 : ms
}

/** The id and secret of a token that may sign; undefined for one that is malformed, has ended, or may not. */
function signingToken(secret: core.Secret, nowMs: number): { readonly id: string; readonly secret: string } | undefined {
  const id = textOf(secret, 'token-id')
  const value = textOf(secret, 'token-secret')
  const isWhole = secret.metadata?.name === `${PREFIX}${id}` && /^[a-z0-9]{6}$/.test(id) && value !== ''
  const endMs = endsAtMs(secret)
  const isAlive = endMs === undefined || endMs > nowMs
  return isWhole && isAlive && textOf(secret, 'usage-bootstrap-signing') === 'true' ? { id, secret: value } : undefined
}

/** A JWS (RFC 7515) with its content left out: it lies beside it. */
function detachedSignature(content: string, id: string, secret: string): string {
  const encode = (text: string): string => Buffer.from(text).toString('base64url')
  const header = encode(JSON.stringify({ alg: 'HS256', kid: id }))
  const signature = createHmac('sha256', secret)
    .update(`${header}.${encode(content)}`)
    .digest('base64url')
  return `${header}..${signature}`
}

/** The data of `cluster-info` with a signature for each token that may sign, and no others; undefined when there is nothing to sign or it says so already. */
export function planSignatures(map: core.ConfigMap, secrets: readonly core.Secret[], nowMs: number): Record<string, string> | undefined {
  const { data = {} } = map
  const content = data['kubeconfig']
  if (content === undefined) return undefined
  const next: Record<string, string> = Object.fromEntries(Object.entries(data).filter(([name]) => !name.startsWith(SIGNATURE)))
  for (const secret of secrets) {
    const token = signingToken(secret, nowMs)
    if (token !== undefined) next[`${SIGNATURE}${token.id}`] = detachedSignature(content, token.id, token.secret)
  }
  const isSame =
    Object.keys(next).length === Object.keys(data).length && Object.entries(next).every(([name, value]) => data[name] === value)
  return isSame ? undefined : next
}
