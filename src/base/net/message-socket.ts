import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { SampanError } from '../errors.ts'
import type { Scope } from '../scope.ts'

/** A WebSocket could not be opened: the server's status and text, when it said any. */
export class WebSocketFailed extends SampanError {
  readonly code = 'WEBSOCKET_FAILED'
  readonly httpStatus: number | undefined
  readonly body: string
  constructor(message: string, httpStatus: number | undefined, body: string, options?: ErrorOptions) {
    super(message, options)
    this.httpStatus = httpStatus
    this.body = body
  }
}

export interface Message {
  readonly data: Buffer
  readonly isText: boolean
}

const MOST_MESSAGE_BYTES = 4 * 1024 * 1024
const MOST_QUEUED_BYTES = 256 * 1024
const NORMAL = 1000

/** A WebSocket with backpressure both ways. One reader. */
export class MessageSocket {
  readonly protocol: string
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>
  readonly #socket: WebSocket
  #queue: Message[] = []
  #queuedBytes = 0
  #wake: (() => void) | undefined
  #isClosing = false
  #isClosed = false

  constructor(socket: WebSocket, protocol: string = socket.protocol) {
    this.#socket = socket
    this.protocol = protocol
    socket.binaryType = 'nodebuffer'
    socket.on('error', () => undefined)
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (this.#isClosing) return
      this.#queue.push({ data: bufferOf(data), isText: !isBinary })
      this.#queuedBytes += this.#queue.at(-1)?.data.length ?? 0
      if (this.#queuedBytes > MOST_QUEUED_BYTES) socket.pause()
      this.#wakeReader()
    })
    this.closed = new Promise((resolve) => {
      const ended = (): void => {
        this.#isClosed = true
        this.#wakeReader()
        resolve()
      }
      socket.on('close', ended)
      if (socket.readyState === WebSocket.CLOSED) ended()
    })
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** The messages in order; ends with the connection. The connection is not read while many wait. */
  async *messages(): AsyncIterable<Message> {
    for (;;) {
      const next = this.#queue.shift()
      if (next === undefined) {
        if (this.#isClosed) return
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      this.#queuedBytes -= next.data.length
      if (this.#socket.isPaused && this.#queuedBytes <= MOST_QUEUED_BYTES / 2) this.#socket.resume()
      yield next
    }
  }

  /** Resolves when the connection takes more. What is sent to a connection that has ended is dropped. */
  send(data: Uint8Array | string): Promise<void> | void {
    if (!this.isOpen) return
    if (this.#socket.bufferedAmount < MOST_QUEUED_BYTES) return this.#socket.send(data)
    return new Promise((resolve) => this.#socket.send(data, () => resolve()))
  }

  /** Says goodbye after what was sent; the peer's answer ends the connection. What the peer says before it is dropped. */
  close(code: number = NORMAL, reason = ''): void {
    this.#isClosing = true
    this.#socket.close(code, reason)
    // The peer's goodbye stands behind what has not been read.
    if (this.#socket.isPaused) this.#socket.resume()
  }

  destroy(): void {
    this.#socket.terminate()
  }

  #wakeReader(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}

const bufferOf = (data: RawData): Buffer => (Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data))

/** Agrees to a WebSocket, with one of the protocols that the client offered, or none. Rejects when the request is not one for a WebSocket. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  protocol: string | undefined,
): Promise<MessageSocket> {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: MOST_MESSAGE_BYTES, perMessageDeflate: false })
  // Names in use have characters that the library takes for mistakes: it is not shown them.
  delete request.headers['sec-websocket-protocol']
  if (protocol !== undefined) server.on('headers', (lines) => lines.push(`Sec-WebSocket-Protocol: ${protocol}`))
  return new Promise((resolve, reject) => {
    server.once('wsClientError', (error) => reject(error))
    server.handleUpgrade(request, socket, Buffer.from(head), (accepted) => resolve(new MessageSocket(accepted, protocol ?? '')))
  })
}

export interface WebSocketTarget {
  /** `wss://…` or `ws://…`. */
  readonly url: string
  readonly protocols: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  /** PEM. */
  readonly ca?: string | Uint8Array
  readonly certificate?: string | Uint8Array
  readonly key?: string | Uint8Array
  readonly serverName?: string
  readonly insecureSkipVerify?: boolean
}

/** Opens a WebSocket; redirects are not followed. Rejects with `WebSocketFailed` or the scope's reason. */
export function connectWebSocket(scope: Scope, target: WebSocketTarget): Promise<MessageSocket> {
  const { url, protocols, headers = {}, ca, certificate, key, serverName, insecureSkipVerify } = target
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...protocols], {
      headers: { ...headers },
      followRedirects: false,
      maxPayload: MOST_MESSAGE_BYTES,
      perMessageDeflate: false,
      ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
      ...(certificate === undefined ? {} : { cert: Buffer.from(certificate) }),
      ...(key === undefined ? {} : { key: Buffer.from(key) }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(insecureSkipVerify ? { rejectUnauthorized: false } : {}),
    })
    const stop = (): void => socket.terminate()
    const release = (): void => scope.signal.removeEventListener('abort', stop)
    scope.signal.addEventListener('abort', stop, { once: true })
    socket.once('open', () => {
      release()
      resolve(new MessageSocket(socket))
    })
    socket.once('unexpected-response', (_request, answer: IncomingMessage) => {
      release()
      let body = ''
      answer.on('data', (chunk: Buffer) => void (body.length < MOST_QUEUED_BYTES && (body += chunk.toString())))
      answer.on('close', () => reject(new WebSocketFailed(`the server answered with ${answer.statusCode}`, answer.statusCode, body)))
    })
    socket.once('error', (error) => {
      release()
      reject(scope.signal.aborted ? scope.signal.reason : new WebSocketFailed(error.message, undefined, '', { cause: error }))
    })
  })
}

/** Null at the end. Empty messages say nothing. */
async function nextBytes(incoming: AsyncIterator<Message>): Promise<Buffer | null> {
  for (;;) {
    const { done, value } = await incoming.next()
    if (done === true) return null
    if (value.data.length > 0) return value.data
  }
}

/** The bytes of a WebSocket's binary messages as one connection, for protocols that are tunnelled. */
export function messageDuplex(socket: MessageSocket): Duplex {
  const incoming = socket.messages()[Symbol.asyncIterator]()
  const duplex = new Duplex({
    allowHalfOpen: false,
    read() {
      void nextBytes(incoming).then((bytes) => duplex.push(bytes))
    },
    write(chunk: Uint8Array, _encoding, done) {
      const sent = socket.send(chunk)
      if (sent === undefined) done()
      // A write that failed ends the stream by the socket's own error.
      else void sent.then(() => done(), done)
    },
    final(done) {
      socket.close()
      done()
    },
    destroy(error, done) {
      if (error === null) socket.close()
      else socket.destroy()
      done(error)
    },
  })
  return duplex
}
