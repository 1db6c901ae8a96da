import type { Readable } from 'node:stream'
import type { HttpRequest, Peer, Upgrade } from '#base'
import { Cancelled } from '#base'
import { readWhole } from './body.ts'
import type { Turn } from './turn.ts'

/** What the request ends with. It is asked when somebody wants to know: a stream that goes on for hours holds nothing of its request then. */
export interface Closing {
  readonly destroyed: boolean
  once(event: 'close', run: () => void): unknown
}

/** A request from a socket. What costs something is made when it is asked for. */
export class SocketRequest implements HttpRequest {
  readonly method: string
  readonly target: string
  readonly headers: HttpRequest['headers']
  readonly peer: Peer
  readonly upgrade?: Upgrade
  readonly #stream: Readable
  readonly #turn: Turn
  readonly #ends: Closing | undefined
  #controller: AbortController | undefined
  #gone = false

  constructor(
    method: string,
    target: string,
    headers: HttpRequest['headers'],
    peer: Peer,
    stream: Readable,
    turn: Turn,
    upgrade?: Upgrade,
    ends?: Closing,
  ) {
    this.method = method
    this.target = target
    this.headers = headers
    this.peer = peer
    this.#stream = stream
    this.#turn = turn
    this.#ends = ends
    if (upgrade !== undefined) this.upgrade = upgrade
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#ends?.destroyed === true) this.#gone = true
      else this.#ends?.once('close', () => this.closed())
      if (this.#gone) this.#controller.abort(new Cancelled('the peer went away'))
    }
    return this.#controller.signal
  }

  /** Called by the transport when the connection has closed, where it gave nothing that says so. */
  closed(): void {
    this.#gone = true
    this.#controller?.abort(new Cancelled('the peer went away'))
  }

  readBody(maxBytes: number): Promise<Uint8Array> {
    const declared = this.headers['content-length']
    return readWhole(this.#stream, typeof declared === 'string' ? Number(declared) : undefined, maxBytes, this.#turn)
  }

  get bodyStream(): AsyncIterable<Uint8Array> {
    return this.#stream
  }
}
