import { messageOf } from '#base'
import type { Address } from './service-address.ts'

/** What went wrong with a request to another server, in the words that Kubernetes' clients show. */
export class RemoteError extends Error {}
/** One that may not come again in a moment: the server is busy, or the connection broke. */
export class TransientRemoteError extends RemoteError {}

const UNKNOWN_AUTHORITY: readonly string[] = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]
const UNTRUSTED = 'tls: failed to verify certificate: x509:'

export function networkWords(error: Error, { ip, port }: Address): string {
  const code = 'code' in error ? String(error.code) : ''
  const at = `dial tcp ${ip.includes(':') ? `[${ip}]` : ip}:${port}`
  if (code === 'ECONNREFUSED') return `${at}: connect: connection refused`
  if (code === 'EHOSTUNREACH') return `${at}: connect: no route to host`
  if (code === 'ENETUNREACH') return `${at}: connect: network is unreachable`
  if (code === 'ETIMEDOUT') return `${at}: i/o timeout`
  if (code === 'ECONNRESET') return 'EOF'
  if (UNKNOWN_AUTHORITY.includes(code)) return `${UNTRUSTED} certificate signed by unknown authority`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return `${UNTRUSTED} certificate has expired or is not yet valid`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${UNTRUSTED} ${messageOf(error)}`
  return messageOf(error)
}

/** What an answer other than a success says, when it does not say it itself. */
export function statusWords(status: number, text: string): string {
  if (status === 404) return 'the server could not find the requested resource'
  if (status === 401) return 'the server has asked for the client to provide credentials'
  if (status === 403) return 'unknown'
  if (status === 429) return 'the server has received too many requests and has asked us to try again later'
  if (status === 503) return 'the server is currently unable to handle the request'
  if (status >= 500) return `an error on the server (${JSON.stringify(text.trim() || 'unknown')}) has prevented the request from succeeding`
  if (status >= 400) return 'the server rejected our request for an unknown reason'
  return `the server responded with the status code ${status} but did not return more information`
}
