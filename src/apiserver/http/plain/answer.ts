import { type Clock, type HttpResponse, http } from '#base'

/** Answers up to this size are sent as one piece: copying costs less than a second write. */
const ONE_PIECE_BYTES = 64 << 10
const SLAB_BYTES = 512 << 10
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** The body's length where it is told before the body. */
type Length = number | 'chunked' | 'none'

/** Puts answers into the form of HTTP/1.1. One for all connections of a listener. */
export class AnswerWriter {
  readonly #clock: Clock
  readonly #statusLines = new Map<number, string>()
  #slab = Buffer.alloc(0)
  #dateSecond = -1
  #date = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Throws for a header value that would end its line. */
  head(answer: HttpResponse, length: Length, isLast: boolean): string {
    let text = this.#statusLine(answer.status)
    const { headers } = answer
    let tellsLength = false
    for (const name in headers) {
      const value = headers[name]
      if (value === undefined) continue
      if (name === 'content-length') tellsLength = true
      if (typeof value === 'string') text += line(name, value)
      else for (const one of value) text += line(name, one)
    }
    if (length === 'chunked' && !tellsLength) text += 'transfer-encoding: chunked\r\n'
    else if (typeof length === 'number' && !tellsLength) text += `content-length: ${length}\r\n`
    if (isLast) text += 'connection: close\r\n'
    return `${text}${this.#dateLine()}\r\n`
  }

  /** Head and body in one buffer, or in several where the body is long. */
  pieces(head: string, chunks: readonly Uint8Array[]): readonly Uint8Array[] {
    let size = head.length
    for (const chunk of chunks) size += chunk.length
    if (size > ONE_PIECE_BYTES) return [Buffer.from(head, 'latin1'), ...chunks]
    const out = this.#room(size)
    let at = out.write(head, 0, 'latin1')
    for (const chunk of chunks) {
      out.set(chunk, at)
      at += chunk.length
    }
    return [out]
  }

  /** Cut from a large piece: an allocation for each answer costs more than the answer. */
  #room(size: number): Buffer {
    if (this.#slab.length < size) this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    const room = this.#slab.subarray(0, size)
    this.#slab = this.#slab.subarray(size)
    return room
  }

  #statusLine(status: number): string {
    const known = this.#statusLines.get(status)
    if (known !== undefined) return known
    const made = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'Unknown'}\r\n`
    this.#statusLines.set(status, made)
    return made
  }

  #dateLine(): string {
    const second = Math.floor(this.#clock.now() / 1000)
    if (second !== this.#dateSecond) {
      this.#dateSecond = second
      this.#date = `date: ${new Date(second * 1000).toUTCString()}\r\n`
    }
    return this.#date
  }
}

function line(name: string, value: string): string {
  if (!VALUE.test(value)) throw new TypeError(`the value of the header ${name} holds characters that a header cannot hold`)
  return `${name}: ${value}\r\n`
}
