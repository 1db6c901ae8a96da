import { Duplex } from 'node:stream'
import { SampanError } from '../../errors.ts'
import { RST } from './frames.ts'
import type { SpdyHeaders } from './headers.ts'

/** The peer broke the stream off. */
export class StreamReset extends SampanError {
  readonly code = 'SPDY_STREAM_RESET'
  readonly status: number
  constructor(status: number) {
    super(`the peer reset the stream (status ${status})`)
    this.status = status
  }
}

/** What a stream needs of its session. */
export interface StreamLink {
  /** Calls back when the connection takes more. */
  sendData(streamId: number, data: Uint8Array, fin: boolean, done: (error?: Error) => void): void
  sendReset(streamId: number, status: number): void
  /** The reader has taken what was waiting. */
  drained(): void
  gone(streamId: number): void
}

const MOST_BUFFERED_BYTES = 128 * 1024
const NOTHING = new Uint8Array()

/**
 * One stream of a session. `end()` closes this side and leaves the other open; `destroy()` cancels both for
 * the peer, as a failure when it is given an error.
 */
export class SpdyStream extends Duplex {
  readonly id: number
  readonly headers: SpdyHeaders
  readonly #link: StreamLink
  #finSent = false
  #finReceived = false
  #resetReceived = false
  #failure: Error | undefined

  constructor(id: number, headers: SpdyHeaders, link: StreamLink) {
    super({ allowHalfOpen: true, readableHighWaterMark: MOST_BUFFERED_BYTES })
    this.id = id
    this.headers = headers
    this.#link = link
  }

  /** Whether as much waits for the reader as may wait: nothing more of the connection is read until it has been taken. */
  get isFull(): boolean {
    return !this.destroyed && this.readableLength >= MOST_BUFFERED_BYTES
  }

  /** For the session. */
  received(data: Uint8Array, fin: boolean): void {
    if (this.destroyed || this.#finReceived) return
    if (data.length > 0) this.push(data)
    if (!fin) return
    this.#finReceived = true
    this.push(null)
  }

  /** For the session. A peer that cancels is done with both directions; any other status is a failure. What has arrived can be read first. */
  receivedReset(status: number): void {
    this.#resetReceived = true
    if (status !== RST.cancel) return this.#failWhenRead(new StreamReset(status))
    if (this.readableEnded) return void this.destroy()
    this.once('end', () => this.destroy())
    this.received(NOTHING, true)
  }

  /** For the session: nothing more comes. */
  connectionEnded(error: Error): void {
    if (!this.#finReceived) this.#failWhenRead(error)
    else if (this.readableEnded) this.destroy()
    else this.once('end', () => this.destroy())
  }

  #failWhenRead(error: Error): void {
    this.#failure = error
    if (this.readableLength === 0) this.destroy(error)
    else this.push(NOTHING)
  }

  override _read(): void {
    // A read that is not answered would be the last one that this hears of, and the reader is to fail after it has taken what is there.
    if (this.#failure !== undefined) this.push(NOTHING)
    // At this moment what is being taken still counts as waiting.
    queueMicrotask(() => {
      this.#link.drained()
      if (this.#failure !== undefined && this.readableLength === 0) this.destroy(this.#failure)
    })
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.#link.sendData(this.id, chunk, false, done)
  }

  override _final(done: (error?: Error) => void): void {
    this.#finSent = true
    this.#link.sendData(this.id, NOTHING, true, done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#resetReceived && !(this.#finSent && this.#finReceived))
      this.#link.sendReset(this.id, error === null ? RST.cancel : RST.internalError)
    this.#link.gone(this.id)
    this.#link.drained()
    done(error)
  }
}
