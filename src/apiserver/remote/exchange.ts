import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Scope, messageOf } from '#base'

/** A request that goes on to another server. */
export interface PassedRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  /** Passed on as it arrives. */
  readonly body?: AsyncIterable<Uint8Array>
}
export interface Upgraded {
  readonly kind: 'upgraded'
  readonly head: IncomingMessage
  readonly socket: Duplex
  readonly rest: Uint8Array
}
export interface Answered {
  readonly kind: 'answer'
  readonly answer: IncomingMessage
}

/**
 * Sends a request and resolves with what comes first: an answer, whose body is still to be read, or a connection that has left HTTP. Redirects are
 * answers like others. Cancelling the scope breaks it off until the answer is complete, and no more once it is upgraded. Rejects with `failed(error)`.
 */
export function exchange(
  scope: Scope,
  open: () => ClientRequest,
  body: PassedRequest['body'],
  failed: (error: Error) => Error,
): Promise<Upgraded | Answered> {
  return new Promise((resolve, reject) => {
    const sent = open()
    const stop = (): void => void sent.destroy()
    scope.signal.addEventListener('abort', stop, { once: true })
    const release = (): void => scope.signal.removeEventListener('abort', stop)
    sent.on('error', (error) => {
      release()
      reject(scope.signal.aborted ? scope.signal.reason : failed(error))
    })
    sent.on('response', (answer) => {
      answer.on('close', release)
      resolve({ kind: 'answer', answer })
    })
    sent.on('upgrade', (head, socket, rest) => {
      release()
      // From here on the connection has no timeouts of HTTP: sessions may be quiet for hours.
      socket.on('error', () => undefined)
      resolve({ kind: 'upgraded', head, socket, rest })
    })
    if (scope.signal.aborted) stop()
    else if (body === undefined) sent.end()
    else void sendBody(sent, body)
  })
}

async function sendBody(sent: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) {
      if (sent.destroyed) return
      if (!sent.write(chunk)) await new Promise<void>((resolve) => sent.once('drain', resolve).once('close', resolve))
    }
    sent.end()
  } catch (error) {
    sent.destroy(error instanceof Error ? error : new Error(messageOf(error)))
  }
}
