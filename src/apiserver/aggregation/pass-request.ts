import { type HttpResponse, http, messageOf } from '#base'
import type { RequestContext } from '../registry/context.ts'
import { NoAddress } from '../remote/service-address.ts'
import { textAnswer } from '../respond/plain.ts'
import { bodyOf } from '../stream/pass-answer.ts'
import { upgradeHeaders } from '../stream/pass-upgrade.ts'
import { relay } from '../stream/relay.ts'
import { NotReached, type RemoteAnswer, type RemoteDialler } from './remote-dialler.ts'
import type { RemoteService } from './remote-services.ts'
import { answerHeaders, forwardedHeaders, passedHeaders, userHeaders } from './user-headers.ts'

const REDIRECTED = 'the backend attempted to redirect this request, which is not permitted'
const unavailable = (): HttpResponse => textAnswer(503, 'service unavailable\n')

/** Passes a request on to the server behind an APIService: as this server, for the user. Its answer becomes the answer. */
export async function passRequest(
  context: RequestContext,
  dialler: RemoteDialler,
  service: RemoteService,
  path: string,
): Promise<HttpResponse> {
  if (!service.isAvailable) return unavailable()
  const { request, scope, user } = context
  const upgrades = request.upgrade !== undefined
  const said = upgrades ? { ...upgradeHeaders(request.headers), ...userHeaders(user) } : passedHeaders(request.headers, user)
  const headers = { ...said, ...forwardedHeaders(request) }
  const hasBody = !upgrades && request.method !== 'GET' && request.method !== 'HEAD'
  const span = upgrades ? undefined : scope.span?.start(`HTTP ${request.method}`, { 'http.request.method': request.method }, 'client')
  const trace = span?.traceHeaders() ?? scope.traceHeaders()
  let found: RemoteAnswer
  try {
    found = await dialler.send(
      scope,
      service,
      { method: request.method, path, headers: { ...headers, ...trace }, ...(hasBody ? { body: request.bodyStream } : {}) },
      upgrades,
    )
  } catch (error) {
    span?.fail(messageOf(error))
    if (error instanceof NoAddress) return unavailable()
    if (error instanceof NotReached) return textAnswer(503, `error trying to reach service: ${messageOf(error)}\n`)
    throw error
  } finally {
    span?.end()
  }
  if (found.kind === 'upgraded') return upgraded(context, found)
  const { answer } = found
  const status = answer.statusCode ?? 502
  // A client that follows would send its credentials to wherever the server behind says.
  if (status >= 300 && status < 400 && answer.headers.location !== undefined) {
    answer.destroy()
    return textAnswer(502, REDIRECTED)
  }
  if (status === 101) {
    answer.destroy()
    return textAnswer(502, 'the backend changed the protocol without being asked\n')
  }
  const isBodiless = request.method === 'HEAD' || status === 204 || status === 304
  return { status, headers: answerHeaders(answer.headers), body: isBodiless ? empty(answer) : bodyOf(answer) }
}

function empty(answer: { resume(): unknown }): HttpResponse['body'] {
  answer.resume()
  return { kind: 'empty' }
}

function upgraded(context: RequestContext, backend: Extract<RemoteAnswer, { kind: 'upgraded' }>): HttpResponse {
  const { upgrade } = context.request
  if (upgrade === undefined) {
    backend.socket.destroy()
    return textAnswer(502, 'the backend changed the protocol without being asked\n')
  }
  const { socket, head } = upgrade.take()
  const lines = [`HTTP/1.1 101 ${http.STATUS_CODES[101]}`, 'Connection: Upgrade']
  for (const [name, value] of Object.entries(backend.head.headers)) {
    if (!(name === 'upgrade' || name.startsWith('sec-websocket-') || name === 'x-stream-protocol-version')) continue
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) lines.push(`${name}: ${one}`)
  }
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  if (backend.rest.length > 0) socket.write(backend.rest)
  if (head.length > 0) backend.socket.write(head)
  relay(context.core.scope, socket, backend.socket)
  return { status: 101, headers: {}, body: { kind: 'upgraded' } }
}
