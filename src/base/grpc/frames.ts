/** A length, and whether the message is compressed, stand in front of each message of gRPC. */
const HEAD_BYTES = 5

export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEAD_BYTES + message.length)
  framed[0] = 0
  framed.writeUInt32BE(message.length, 1)
  framed.set(message, HEAD_BYTES)
  return framed
}

/** Cuts what arrives into messages. Throws for what is not gRPC. */
export class FrameReader {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #length = 0
  #wanted: number | undefined

  /** `maxBytes`: of one message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): Uint8Array[] {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    const messages: Uint8Array[] = []
    for (;;) {
      if (this.#wanted === undefined) {
        if (this.#length < HEAD_BYTES) return messages
        const head = this.#take(HEAD_BYTES)
        if (head[0] !== 0) throw new Error('the peer sent a compressed message, which was not asked for')
        this.#wanted = head.readUInt32BE(1)
        if (this.#wanted > this.#maxBytes) throw new Error(`the peer sent a message of ${this.#wanted} bytes`)
      }
      if (this.#length < this.#wanted) return messages
      messages.push(this.#take(this.#wanted))
      this.#wanted = undefined
    }
  }

  #take(size: number): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    const rest = all.subarray(size)
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
    return all.subarray(0, size)
  }
}
