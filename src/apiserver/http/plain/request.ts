import { BodyTooLarge, Cancelled, type HttpRequest, type Peer } from '#base'
import { BodyAborted } from '../body.ts'
import type { PlainHead } from './head.ts'

const EMPTY = new Uint8Array(0)

/** A request of a plain connection. Its body comes through `push`. */
export class PlainRequest implements HttpRequest {
  readonly method: string
  readonly target: string
  readonly headers: HttpRequest['headers']
  readonly peer: Peer
  readonly #bodyBytes: number
  /** Asks the connection for more: called when a body is wanted, and when what was there has been taken. */
  readonly #more: () => void
  #chunks: Buffer[] = []
  #unreadBytes = 0
  #leftBytes: number
  #dropped = false
  #gone = false
  #wake: (() => void) | undefined
  #controller: AbortController | undefined

  constructor(head: PlainHead, peer: Peer, more: () => void) {
    this.method = head.method
    this.target = head.target
    this.headers = head.headers
    this.peer = peer
    this.#bodyBytes = head.bodyBytes
    this.#leftBytes = head.bodyBytes
    this.#more = more
  }

  /** What of the body has come and nobody has taken. */
  get unreadBytes(): number {
    return this.#unreadBytes
  }

  push(chunk: Buffer): void {
    this.#leftBytes -= chunk.length
    if (!this.#dropped) {
      this.#chunks.push(chunk)
      this.#unreadBytes += chunk.length
    }
    this.#wakeReader()
  }

  /** The answer has been given: what comes of the body is not kept any more. */
  drop(): void {
    this.#dropped = true
    this.#chunks = []
    this.#unreadBytes = 0
    this.#more()
  }

  /** The answer is complete, or the connection has closed. */
  closed(): void {
    this.#gone = true
    this.#controller?.abort(new Cancelled('the peer went away'))
    this.#wakeReader()
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#gone) this.#controller.abort(new Cancelled('the peer went away'))
    }
    return this.#controller.signal
  }

  readBody(maxBytes: number): Promise<Uint8Array> {
    if (this.#bodyBytes > maxBytes) {
      this.drop()
      return Promise.reject(new BodyTooLarge(maxBytes))
    }
    if (this.#leftBytes === 0) return Promise.resolve(this.#whole())
    return this.#readRest()
  }

  async #readRest(): Promise<Uint8Array> {
    this.#more()
    const chunks: Buffer[] = []
    for await (const chunk of this.bodyStream) chunks.push(chunk)
    return Buffer.concat(chunks, this.#bodyBytes)
  }

  get bodyStream(): AsyncIterable<Buffer> {
    return this.#stream()
  }

  async *#stream(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#unreadBytes -= chunk.length
        yield chunk
        continue
      }
      if (this.#leftBytes === 0) return
      if (this.#gone || this.#dropped) throw new BodyAborted()
      const arrived = new Promise<void>((resolve) => (this.#wake = resolve))
      this.#more()
      await arrived
    }
  }

  #whole(): Uint8Array {
    const [only] = this.#chunks
    const body = only === undefined ? EMPTY : this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#unreadBytes = 0
    return body
  }

  #wakeReader(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
