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
  if (code === 'EPROTO' && error.message.includes('wrong version number')) return 'tls: first record does not look like a TLS handshake'
  if (UNKNOWN_AUTHORITY.includes(code)) return `${UNTRUSTED} certificate signed by unknown authority`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return `${UNTRUSTED} certificate has expired or is not yet valid`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${UNTRUSTED} ${messageOf(error)}`
  return messageOf(error)
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
}

/** What an answer other than a success says, when it does not say it itself. `text` is what stands in it. */
export function statusWords(status: number, text: string): string {
  if (status === 403 || status === 415) return text
  if (status === 406)
    return text === '' || text === 'unknown' ? 'the server was unable to respond with a content type that the client supports' : text
  const words = STATUS_WORDS[status]
  if (words !== undefined) return words
  if (status >= 500) return `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
  return `the server responded with the status code ${status} but did not return more information`
}
