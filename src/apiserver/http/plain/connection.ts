import type { TLSSocket } from 'node:tls'
import type { BodySink, HttpHandler, HttpResponse } from '#base'
import { peerOf } from '../peer.ts'
import type { Turn } from '../turn.ts'
import type { AnswerWriter } from './answer.ts'
import { type ChunkFramer, LAST_CHUNK } from './chunks.ts'
import { HeadReader } from './head.ts'
import { LIMITS_OF_PLAIN } from './limits.ts'
import { PlainRequest } from './request.ts'
import { connectionSink } from './sink.ts'

/** What the connections of one listener share. */
export interface PlainShared {
  readonly handler: HttpHandler
  readonly turn: Turn
  readonly writer: AnswerWriter
  readonly framer: ChunkFramer
  /** Takes a connection over, with the bytes that were not read yet. */
  takeOver(socket: TLSSocket, unread: Buffer): void
  closed(connection: PlainConnection): void
  /** Milliseconds, as exact as the sweep that looks at them. */
  coarseNow(): number
}

const NO_BYTES = Buffer.alloc(0)

/**
 * One connection of HTTP/1.1, as long as it sends plain requests; the first that is not plain goes, with the connection, to Node's own
 * server. One request at a time: what comes before the answer waits.
 */
export class PlainConnection {
  readonly #socket: TLSSocket
  readonly #shared: PlainShared
  readonly #heads = new HeadReader()
  /** Since when the connection has been in its state: idle, or taking in a request. */
  sinceMs: number
  hasAsked = false
  #request: PlainRequest | undefined
  /** Of the present request's body, not yet here. */
  #missingBytes = 0
  /** Came before its turn. */
  #early: Buffer = NO_BYTES
  #isLast = false
  #isRunning = false
  #isAnswered = false
  #waitsForDrain = false
  readonly #onData = (chunk: Buffer): void => this.#data(chunk)
  readonly #onDrain = (): void => this.#drained()
  readonly #onClose = (): void => this.#closed()

  constructor(socket: TLSSocket, shared: PlainShared) {
    this.#socket = socket
    this.#shared = shared
    this.sinceMs = shared.coarseNow()
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('close', this.#onClose)
  }

  get isIdle(): boolean {
    return this.#request === undefined
  }
  get isReceiving(): boolean {
    return this.#missingBytes > 0
  }

  /** Ends with the answer that is under way, or now. */
  finishSoon(): void {
    this.#isLast = true
    if (this.isIdle) this.#socket.end()
  }

  /** The peer has taken too long. */
  expire(): void {
    if (!this.#isAnswered && this.#missingBytes > 0)
      this.#socket.write('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n', 'latin1')
    this.#socket.destroySoon()
  }

  #data(chunk: Buffer): void {
    if (this.#request === undefined) return this.#begin(chunk)
    const mine = Math.min(chunk.length, this.#missingBytes)
    if (mine > 0) {
      this.#missingBytes -= mine
      this.#request.push(mine === chunk.length ? chunk : chunk.subarray(0, mine))
      if (this.#missingBytes === 0) {
        if (mine < chunk.length) this.#keepEarly(chunk.subarray(mine))
        if (this.#isAnswered) this.#next()
        else if (!this.#isRunning) this.#run(this.#request)
        return
      }
      if (this.#request.unreadBytes > LIMITS_OF_PLAIN.unreadBytes) this.#socket.pause()
    }
    if (mine < chunk.length) this.#keepEarly(chunk.subarray(mine))
  }

  #keepEarly(bytes: Buffer): void {
    this.#early = this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes])
    if (this.#early.length > LIMITS_OF_PLAIN.unreadBytes) this.#socket.pause()
  }

  #begin(bytes: Buffer): void {
    const head = this.#heads.read(bytes)
    if (head === undefined) return this.#handOver(bytes)
    this.hasAsked = true
    const socket = this.#socket
    const request = new PlainRequest(head, peerOf(socket), () => void (socket.isPaused() && socket.resume()))
    this.#request = request
    this.#isRunning = false
    this.#isAnswered = false
    this.sinceMs = this.#shared.coarseNow()
    const bodyEnd = head.end + head.bodyBytes
    if (head.bodyBytes > 0 && bytes.length > head.end) request.push(bytes.subarray(head.end, bodyEnd))
    this.#missingBytes = Math.max(0, bodyEnd - bytes.length)
    if (bytes.length > bodyEnd) this.#keepEarly(bytes.subarray(bodyEnd))
    if (this.#missingBytes === 0 || head.bodyBytes > LIMITS_OF_PLAIN.awaitedBytes) this.#run(request)
  }

  #run(request: PlainRequest): void {
    this.#isRunning = true
    this.#shared.turn.add(() => {
      this.#shared.handler(request).then(
        (answer) => this.#answer(request, answer),
        (error: Error) => this.#socket.destroy(error),
      )
    })
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket
    socket.pause()
    socket.off('data', this.#onData)
    socket.off('drain', this.#onDrain)
    socket.off('close', this.#onClose)
    this.#shared.closed(this)
    this.#shared.takeOver(socket, bytes)
  }

  #answer(request: PlainRequest, answer: HttpResponse): void {
    if (this.#socket.destroyed) return
    try {
      this.#write(request, answer)
    } catch (error) {
      this.#socket.destroy(error as Error)
    }
  }

  #write(request: PlainRequest, answer: HttpResponse): void {
    const { writer } = this.#shared
    const { body, status } = answer
    switch (body.kind) {
      case 'empty':
        this.#send(writer.pieces(writer.head(answer, status === 204 || status === 304 ? 'none' : 0, this.#isLast), []))
        return this.#answered(request)
      case 'bytes': {
        let size = 0
        for (const chunk of body.chunks) size += chunk.length
        this.#send(writer.pieces(writer.head(answer, size, this.#isLast), body.chunks))
        return this.#answered(request)
      }
      case 'stream':
        return this.#stream(request, answer, body.start)
      case 'upgraded':
        // Requests that ask to leave HTTP are not plain.
        return void this.#socket.destroy()
      default:
        body satisfies never
    }
  }

  #stream(request: PlainRequest, answer: HttpResponse, start: (sink: BodySink) => void): void {
    const { writer, framer } = this.#shared
    const isChunked = answer.headers['content-length'] === undefined
    this.#send([Buffer.from(writer.head(answer, 'chunked', this.#isLast), 'latin1')])
    const sink = connectionSink(this.#socket, {
      write: (chunk) => this.#send(isChunked ? framer.frame(chunk) : [chunk]),
      end: () => {
        if (isChunked) this.#send([LAST_CHUNK])
        this.#answered(request)
      },
    })
    start(sink)
  }

  /** False when the peer is slower than the writer. */
  #send(pieces: readonly Uint8Array[]): boolean {
    const [only] = pieces
    if (pieces.length === 1 && only !== undefined) return this.#socket.write(only)
    this.#socket.cork()
    let room = true
    for (const piece of pieces) room = this.#socket.write(piece)
    this.#socket.uncork()
    return room
  }

  #answered(request: PlainRequest): void {
    this.#isAnswered = true
    request.closed()
    if (this.#isLast) return void this.#socket.end()
    if (this.#missingBytes > 0) request.drop()
    else this.#next()
  }

  /** The connection is free again, as soon as the peer has taken what it was sent. */
  #next(): void {
    if (this.#socket.writableNeedDrain) {
      this.#waitsForDrain = true
      return
    }
    this.#request = undefined
    this.sinceMs = this.#shared.coarseNow()
    const early = this.#early
    this.#early = NO_BYTES
    if (early.length > 0) this.#begin(early)
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  #drained(): void {
    if (!this.#waitsForDrain) return
    this.#waitsForDrain = false
    this.#next()
  }

  #closed(): void {
    this.#request?.closed()
    this.#shared.closed(this)
  }
}
