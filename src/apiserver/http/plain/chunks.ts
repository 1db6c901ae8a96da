const CRLF = '\r\n'
export const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1')
/** Longer ones are not worth a copy. */
const COPIED_BYTES = 64 << 10

/** Puts pieces of a body of unknown length into the form of HTTP/1.1. One for all connections: those who watch the same are sent the same buffer. */
export class ChunkFramer {
  #last: Uint8Array | undefined
  #framed: readonly Uint8Array[] = []

  frame(chunk: Uint8Array): readonly Uint8Array[] {
    if (chunk === this.#last) return this.#framed
    this.#last = chunk
    this.#framed = framed(chunk)
    return this.#framed
  }
}

function framed(chunk: Uint8Array): readonly Uint8Array[] {
  const head = chunk.length.toString(16) + CRLF
  if (chunk.length > COPIED_BYTES) return [Buffer.from(head, 'latin1'), chunk, Buffer.from(CRLF, 'latin1')]
  const out = Buffer.allocUnsafe(head.length + chunk.length + CRLF.length)
  const at = out.write(head, 0, 'latin1')
  out.set(chunk, at)
  out.write(CRLF, at + chunk.length, 'latin1')
  return [out]
}
