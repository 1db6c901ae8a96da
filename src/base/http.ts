import type { Duplex } from 'node:stream'
import { SampanError } from './errors.ts'

/**
 * One fetch-like handler with two transports: a socket (`apiserver/http`) and a function call (`client`).
 * Header names are lower case. A request's body is read at most once.
 */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>

export interface HttpRequest {
  readonly method: string
  /** Path and query as sent, for example `/api/v1/pods?limit=500`. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The whole body, at most `maxBytes` long; rejects with `BodyTooLarge` past that. Empty where there is none. */
  readBody(maxBytes: number): Promise<Uint8Array>
  /** The body as it arrives, for requests that are passed on. */
  readonly bodyStream: AsyncIterable<Uint8Array>
  /** Who is at the other end of the connection. */
  readonly peer: Peer
  /** Aborted when the peer goes away. */
  readonly signal: AbortSignal
  /** There on HTTP/1.1 requests that ask to leave HTTP (`connection: upgrade`). */
  readonly upgrade?: Upgrade
}

export interface Peer {
  /** Empty for the in-process transport. */
  readonly address: string
  /** DER of the certificate that the client has proven to own; it has NOT been checked against any CA yet. */
  readonly certificate?: Uint8Array
  readonly inProcess: boolean
}

export interface Upgrade {
  /** Takes the connection over; the handler then answers with `upgraded`. `head` are bytes that came after the request's head. */
  take(): { readonly socket: Duplex; readonly head: Uint8Array }
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Body
}

/**
 * What is sent: nothing, bytes that are there already (never copied, never changed after being handed over),
 * or a producer that writes while the peer reads. `upgraded` says that the handler has taken the connection.
 */
export type Body =
  | { readonly kind: 'empty' }
  | { readonly kind: 'bytes'; readonly chunks: readonly Uint8Array[] }
  | { readonly kind: 'stream'; readonly start: (sink: BodySink) => void }
  | { readonly kind: 'upgraded' }

export interface BodySink {
  /** Queues a chunk; false when the peer is slower than the writer: wait for `onDrain`. The chunk is shared, not copied. */
  write(chunk: Uint8Array): boolean
  /** Bytes queued and not yet taken by the peer. */
  readonly bufferedBytes: number
  onDrain(run: () => void): void
  /** Called once when the peer is gone or `end` has been called. */
  onClose(run: () => void): void
  end(): void
  /** Breaks the connection, so that the peer does not take the answer for complete. */
  destroy(error?: Error): void
}

/** A body longer than its reader takes. */
export class BodyTooLarge extends SampanError {
  readonly code = 'BODY_TOO_LARGE'
  constructor(maxBytes: number) {
    super(`the body has more than ${maxBytes} bytes`)
  }
}
