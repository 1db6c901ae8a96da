import type { IncomingHttpHeaders } from 'node:http'
import { type HttpRequest, type HttpResponse, http } from '#base'
import { statusError } from '#api'
import { authorize } from '../registry/authorize.ts'
import type { RequestContext } from '../registry/context.ts'
import type { Upgraded } from '../remote/exchange.ts'
import type { Backend, Backends } from './backend.ts'
import { refusedUpgrade } from './pass-answer.ts'
import { relay } from './relay.ts'

/** What a backend must know to agree to the protocol. Never who the user is: credentials end here. */
const ASKED = [
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'x-stream-protocol-version',
  'x-accept-stream-protocol-version',
  'x-stream-protocol-versions',
] as const
const ANSWERED = new Set([
  'upgrade',
  'connection',
  'sec-websocket-accept',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'x-stream-protocol-version',
])
/** A browser can send a token only in this place. */
const TOKEN_PROTOCOL = 'base64url.bearer.authorization.k8s.io.'

/** The headers of an upgrade as they are passed on. */
export function upgradeHeaders(headers: HttpRequest['headers']): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = { connection: 'Upgrade' }
  for (const name of ASKED) {
    const value = headers[name]
    if (value !== undefined) passed[name] = typeof value === 'string' ? value : [...value]
  }
  const protocols = protocolsOf(headers['sec-websocket-protocol'])
  if (protocols !== '') passed['sec-websocket-protocol'] = protocols
  return passed
}

const protocolsOf = (value: string | readonly string[] | undefined): string =>
  (typeof value === 'string' ? value : (value?.join(',') ?? ''))
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '' && !protocol.startsWith(TOKEN_PROTOCOL))
    .join(', ')

/** A WebSocket begins with GET, which is the right to look; what it opens here is the right to act. Throws `StatusError` 403. */
export async function authorizeUpgrade(context: RequestContext): Promise<void> {
  if (context.request.method !== 'POST') await authorize(context, context.question('create'))
}

export function isUpgrade(context: RequestContext): boolean {
  return context.request.upgrade !== undefined
}

/** Joins the caller with a backend that has agreed with 101; its refusal becomes the answer. Nothing is sent to the caller before. */
export async function passUpgrade(context: RequestContext, backends: Backends, backend: Backend, path: string): Promise<HttpResponse> {
  const { request, scope } = context
  const { upgrade } = request
  if (upgrade === undefined) throw statusError.badRequest('Upgrade request required')
  const found = await backends.upgrade(scope, backend, { method: request.method, path, headers: upgradeHeaders(request.headers) })
  if (found.kind === 'answer') return refusedUpgrade(found.answer)
  join(context, upgrade.take(), found)
  return { status: 101, headers: {}, body: { kind: 'upgraded' } }
}

function join(context: RequestContext, { socket, head }: ReturnType<NonNullable<HttpRequest['upgrade']>['take']>, backend: Upgraded): void {
  socket.write(headOf(backend.head.headers))
  if (backend.rest.length > 0) socket.write(backend.rest)
  if (head.length > 0) backend.socket.write(head)
  relay(context.core.scope, socket, backend.socket)
}

function headOf(headers: IncomingHttpHeaders): string {
  const lines = [`HTTP/1.1 101 ${http.STATUS_CODES[101]}`]
  for (const [name, value] of Object.entries(headers)) {
    if (!ANSWERED.has(name)) continue
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) lines.push(`${wireName(name)}: ${one}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

const wireName = (name: string): string => name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
