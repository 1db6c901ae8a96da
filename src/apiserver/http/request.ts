import type { Readable } from 'node:stream'
import type { HttpRequest, Peer, Upgrade } from '#base'
import { Cancelled } from '#base'
import { readWhole } from './body.ts'
import type { Turn } from './turn.ts'

/** A request from a socket. What costs something is made when it is asked for. */
export class SocketRequest implements HttpRequest {
  readonly method: string
  readonly target: string
  readonly headers: HttpRequest['headers']
  readonly peer: Peer
  readonly upgrade?: Upgrade
  readonly #stream: Readable
  readonly #turn: Turn
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
  ) {
    this.method = method
    this.target = target
    this.headers = headers
    this.peer = peer
    this.#stream = stream
    this.#turn = turn
    if (upgrade !== undefined) this.upgrade = upgrade
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#gone) this.#controller.abort(new Cancelled('the peer went away'))
    }
    return this.#controller.signal
  }

  /** Called by the transport when the connection or the stream has closed. */
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
