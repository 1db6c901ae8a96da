import type { HttpRequest } from '#base'
import type { UserInfo } from '../contract.ts'
import { CONNECTION_HEADERS } from '../http/connection-headers.ts'

/** Of the connection and not of the message; and whatever says who the user is: that is said anew. */
const NOT_PASSED: ReadonlySet<string> = new Set(CONNECTION_HEADERS)
const NOT_PASSED_PREFIXES = [':', 'impersonate-', 'x-remote-', 'x-forwarded-']

/** The headers of a request as they go on to the server behind. */
export function passedHeaders(headers: HttpRequest['headers'], user: UserInfo): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || NOT_PASSED.has(name) || NOT_PASSED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue
    passed[name] = typeof value === 'string' ? value : [...value]
  }
  return { ...passed, ...userHeaders(user) }
}

/** Whom a request comes from, for logs: through whom it says to have come, and who has sent it to this server. */
export function forwardedHeaders({ headers, peer, target }: Pick<HttpRequest, 'headers' | 'peer' | 'target'>): Record<string, string> {
  const before = headers['x-forwarded-for']
  const peerAddress = peer.inProcess ? '127.0.0.1' : peer.address.replace(/^::ffff:/, '')
  const all = [...(typeof before === 'string' ? [before] : (before ?? [])), ...(peerAddress === '' ? [] : [peerAddress])]
  const [path = ''] = target.split('?')
  return { 'x-forwarded-for': all.join(', '), 'x-forwarded-uri': path, 'x-forwarded-proto': 'https' }
}

/** Who the user is, for a server that believes this one. */
export function userHeaders({ name, uid = '', groups, extra }: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': headerText(name) }
  if (uid !== '') headers['x-remote-uid'] = headerText(uid)
  if (groups.length > 0) headers['x-remote-group'] = groups.map(headerText)
  for (const [key, values] of Object.entries(extra))
    if (values.length > 0) headers[`x-remote-extra-${headerName(key)}`] = values.map(headerText)
  return headers
}

/** A header cannot hold every character: bytes that it cannot hold are written as `%XX`, as Kubernetes' clients do for keys. */
function headerName(key: string): string {
  return [...Buffer.from(key.toLowerCase())]
    .map((byte) => (IS_TOKEN.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : escaped(byte)))
    .join('')
}
const IS_TOKEN = /[!#$&'*+\-.^_`|~0-9a-z]/
const escaped = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

/** As bytes of UTF-8; what would end the header is left out. */
function headerText(value: string): string {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  return Buffer.from(value.replaceAll(/[\u0000-\u001f\u007f]/g, '')).toString('latin1')
}

/** The headers of an answer as they go back. */
export function answerHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string | readonly string[]> {
  const passed: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !NOT_PASSED.has(name)) passed[name] = value
  return passed
}
