import type { IncomingMessage } from 'node:http'
import { type HttpResponse, acceptWebSocket, listHeader } from '#base'
import { statusError } from '#api'
import type { RequestContext } from '../registry/context.ts'

const BINARY = 'binary.k8s.io'
const BASE64 = 'base64.binary.k8s.io'

/** A log over a WebSocket: each piece is a message, in the form of the protocol that the caller offered first; without one, as bytes. */
export async function logMessages(context: RequestContext, log: IncomingMessage): Promise<HttpResponse> {
  const { request, scope } = context
  const { upgrade } = request
  if (upgrade === undefined) throw statusError.badRequest('Upgrade request required')
  const protocol = listHeader(request.headers['sec-websocket-protocol']).find((one) => one === BINARY || one === BASE64)
  const { socket, head } = upgrade.take()
  // What the library reads of a request; the router has the rest.
  const asked = { method: 'GET', headers: { ...request.headers } } as unknown as IncomingMessage
  const messages = await acceptWebSocket(asked, socket, head, protocol)
  const pump = async (): Promise<void> => {
    void messages.closed.then(() => log.destroy())
    for await (const piece of log as AsyncIterable<Buffer>) {
      if (!messages.isOpen) break
      await messages.send(protocol === BASE64 ? piece.toString('base64') : piece)
    }
    messages.close()
  }
  pump().catch(() => messages.destroy())
  scope.signal.addEventListener('abort', () => messages.destroy(), { once: true })
  return { status: 101, headers: {}, body: { kind: 'upgraded' } }
}
