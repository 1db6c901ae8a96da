import type { Duplex } from 'node:stream'
import { SampanError } from '../../errors.ts'
import { type Frame, FrameReader, RST, SpdyProtocolError, encodeFrame } from './frames.ts'
import { HeaderReader, type SpdyHeaders, HeaderWriter } from './headers.ts'
import { SpdyStream, type StreamLink } from './stream.ts'

export interface SpdyOptions {
  readonly role: 'client' | 'server'
  /** Bytes that came with the answer or request before this. */
  readonly head?: Uint8Array
  /** Takes a stream that the peer opened; its headers are in it. Without it they are refused. */
  readonly onStream?: (stream: SpdyStream) => void
  /** Streams open at once. Default 1000. */
  readonly mostStreams?: number
}

/** The connection ended before the stream did. */
export class SessionClosed extends SampanError {
  readonly code = 'SPDY_CLOSED'
  constructor(options?: ErrorOptions) {
    super('the connection was closed', options)
  }
}

const MOST_STREAMS = 1000
const PIECE_BYTES = 32 * 1024
interface Opening {
  readonly stream: SpdyStream
  readonly opened: () => void
}

/**
 * A SPDY/3.1 session over a connection that it owns from here on. What arrives for a reader that is too slow stops the whole connection
 * (there is no window to close), and what is written waits until the connection takes it.
 */
export class SpdySession {
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>
  readonly #socket: Duplex
  readonly #options: SpdyOptions
  readonly #streams = new Map<number, SpdyStream>()
  readonly #opening = new Map<number, Opening>()
  readonly #headersOut = new HeaderWriter()
  readonly #headersIn = new HeaderReader()
  readonly #link: StreamLink
  readonly #pacedLink: StreamLink
  /** Writers that wait for the answer to a ping. */
  readonly #pings = new Map<number, () => void>()
  #nextId: number
  #nextPing: number
  #lastPeerId = 0
  #room: (() => void) | undefined
  #waiting: (() => void)[] = []
  #isClosing = false

  constructor(socket: Duplex, options: SpdyOptions) {
    this.#socket = socket
    this.#options = options
    this.#nextId = options.role === 'client' ? 1 : 2
    this.#nextPing = this.#nextId
    this.#link = {
      sendData: (streamId, data, fin, done) => this.#sendData(streamId, data, fin, false, done),
      sendReset: (streamId, status) => this.#send(encodeFrame.rstStream(streamId, status)),
      drained: () => this.#mayRead(),
      gone: (streamId) => void this.#streams.delete(streamId),
    }
    this.#pacedLink = { ...this.#link, sendData: (streamId, data, fin, done) => this.#sendData(streamId, data, fin, true, done) }
    socket.on('error', () => undefined)
    socket.on('drain', () => this.#flushWaiting())
    this.closed = new Promise((resolve) => {
      const closed = (): void => {
        // A connection that the peer ended can be over before its last frames have been taken from it: their readers may be slow.
        if (this.#isClosing || !socket.readableEnded) this.#ended()
        resolve()
      }
      socket.on('close', closed)
      if (socket.destroyed) queueMicrotask(closed)
    })
    void this.#run()
  }

  /**
   * Resolves when the peer has accepted the stream. Rejects with `StreamReset` or `SessionClosed`.
   * What is written to a paced one goes out piece by piece, each when the peer has taken the one before it from the connection.
   */
  open(headers: SpdyHeaders, { isPaced = false }: { readonly isPaced?: boolean } = {}): Promise<SpdyStream> {
    if (this.#isClosing || this.#socket.destroyed) return Promise.reject(new SessionClosed())
    const id = this.#nextId
    this.#nextId += 2
    const stream = new SpdyStream(id, headers, isPaced ? this.#pacedLink : this.#link)
    this.#streams.set(id, stream)
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        this.#opening.delete(id)
        reject(error)
      }
      // A session that breaks fails all its streams; who wants to know of one listens too.
      stream.on('error', () => undefined).once('error', failed)
      const opened = (): void => {
        this.#opening.delete(id)
        stream.removeListener('error', failed)
        resolve(stream)
      }
      this.#opening.set(id, { stream, opened })
      this.#send(encodeFrame.synStream(id, this.#headersOut.write(headers)))
    })
  }

  /** Says goodbye and ends the connection when what was written has gone out. Streams that are still open fail. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#socket.destroyed) return this.#ended()
    this.#send(encodeFrame.goaway(this.#lastPeerId))
    this.#socket.end()
    // The peer's own end is not worth reading.
    this.#socket.resume()
  }

  destroy(): void {
    if (this.#socket.destroyed) this.#ended()
    else this.#socket.destroy()
  }

  async #run(): Promise<void> {
    const reader = new FrameReader()
    try {
      for (const frame of reader.read(this.#options.head ?? new Uint8Array())) await this.#handle(frame)
      for await (const chunk of this.#socket as AsyncIterable<Uint8Array>) {
        for (const frame of reader.read(chunk)) {
          await this.#handle(frame)
          while (this.#isFull()) await new Promise<void>((resolve) => (this.#room = resolve))
        }
      }
      // The peer ended its side of the connection: nothing more can come of any stream.
      if (!this.#isClosing) this.#socket.end()
      this.#ended()
    } catch (error) {
      if (error instanceof SpdyProtocolError && !this.#socket.destroyed) this.close()
      this.#socket.destroy()
    }
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'data':
        this.#streams.get(frame.streamId)?.received(frame.data, frame.fin)
        return
      case 'syn-stream':
        // Also for a stream that is refused: header blocks depend on those before them.
        return this.#opened(frame.streamId, frame.fin, await this.#headersIn.read(frame.block))
      case 'syn-reply': {
        await this.#headersIn.read(frame.block)
        this.#opening.get(frame.streamId)?.opened()
        if (frame.fin) this.#streams.get(frame.streamId)?.received(new Uint8Array(), true)
        return
      }
      case 'headers':
        await this.#headersIn.read(frame.block)
        if (frame.fin) this.#streams.get(frame.streamId)?.received(new Uint8Array(), true)
        return
      case 'rst-stream':
        this.#streams.get(frame.streamId)?.receivedReset(frame.status)
        return
      case 'ping':
        // Answers to own pings have the other parity.
        if (frame.id % 2 === (this.#options.role === 'server' ? 1 : 0)) return this.#send(encodeFrame.ping(frame.id))
        this.#answered(frame.id)
        return
      case 'goaway':
        // The peer opens no more streams; those that are open go on until the connection ends.
        return
      default:
        frame satisfies never
    }
  }

  #opened(id: number, fin: boolean, headers: SpdyHeaders): void {
    const { role, onStream, mostStreams = MOST_STREAMS } = this.#options
    if (id % 2 !== (role === 'server' ? 1 : 0) || id <= this.#lastPeerId)
      throw new SpdyProtocolError('a stream has a number that is not the next one')
    this.#lastPeerId = id
    if (onStream === undefined || this.#isClosing || this.#streams.size >= mostStreams)
      return this.#send(encodeFrame.rstStream(id, RST.refusedStream))
    const stream = new SpdyStream(id, headers, this.#link)
    stream.on('error', () => undefined)
    this.#streams.set(id, stream)
    this.#send(encodeFrame.synReply(id, this.#headersOut.write({})))
    if (fin) stream.received(new Uint8Array(), true)
    onStream(stream)
  }

  #isFull(): boolean {
    return this.#streams.values().some((stream) => stream.isFull)
  }

  #mayRead(): void {
    if (this.#room === undefined || this.#isFull()) return
    const go = this.#room
    this.#room = undefined
    go()
  }

  #send(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  #sendData(streamId: number, data: Uint8Array, fin: boolean, isPaced: boolean, done: (error?: Error) => void): void {
    if (!this.#socket.writable) return done(new SessionClosed())
    this.#socket.cork()
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      const piece = data.subarray(at, at + PIECE_BYTES)
      this.#socket.write(encodeFrame.dataHead(streamId, piece.length, false))
      this.#socket.write(piece)
    }
    if (fin) this.#socket.write(encodeFrame.dataHead(streamId, 0, true))
    const ping = this.#nextPing
    // With the data: whatever is written after it could be one write too many.
    if (isPaced) this.#socket.write(encodeFrame.ping(ping))
    this.#socket.uncork()
    if (isPaced) {
      // Numbers come round again after so many that the first of them have long been answered.
      this.#nextPing = (ping + 2) % 2 ** 32
      this.#pings.set(ping, done)
    } else if (this.#socket.writableNeedDrain) this.#waiting.push(() => done())
    else done()
  }

  #answered(ping: number): void {
    const done = this.#pings.get(ping)
    this.#pings.delete(ping)
    done?.()
  }

  #flushWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const run of waiting) run()
  }

  #ended(): void {
    this.#isClosing = true
    this.#headersIn.close()
    for (const stream of Array.from(this.#streams.values())) stream.connectionEnded(new SessionClosed())
    for (const id of Array.from(this.#pings.keys())) this.#answered(id)
    this.#flushWaiting()
    this.#mayRead()
  }
}
