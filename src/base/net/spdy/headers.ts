import { type Inflate, constants, createInflate } from 'node:zlib'
import { DICTIONARY } from './dictionary.ts'
import { SpdyProtocolError } from './frames.ts'

/** Names are lower case. A name with several values has them joined by NUL, as on the wire. */
export type SpdyHeaders = Readonly<Record<string, string>>

const MOST_HEADER_BYTES = 64 * 1024
const MOST_HEADERS = 256
const MOST_STORED = 0xffff
/** An empty block: readers hand out what came before it, instead of asking for more. */
const FLUSH = Buffer.from([0, 0, 0, 0xff, 0xff])

/**
 * Writes header blocks. All blocks of a session are one zlib stream; this one stores without compressing: sessions carry a handful of
 * short headers, and what is not compressed cannot leak by its length.
 */
export class HeaderWriter {
  #begun = false

  write(headers: SpdyHeaders): Buffer {
    const plain = plainBlock(headers)
    const parts: Buffer[] = this.#begun ? [] : [Buffer.from([0x78, 0x01])]
    this.#begun = true
    for (let at = 0; at < plain.length; at += MOST_STORED) {
      const data = plain.subarray(at, at + MOST_STORED)
      const head = Buffer.alloc(5)
      head.writeUInt16LE(data.length, 1)
      head.writeUInt16LE(~data.length & 0xffff, 3)
      parts.push(head, data)
    }
    parts.push(FLUSH)
    return Buffer.concat(parts)
  }
}

/** Reads header blocks, each to its end before the next: they are one zlib stream. Throws `SpdyProtocolError`; unusable after that. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: DICTIONARY })
  #chunks: Buffer[] = []
  #size = 0
  #failure: Error | undefined

  constructor() {
    this.#inflate.on('error', (error) => {
      this.#failure ??= error
    })
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#size += chunk.length
      if (this.#size > MOST_HEADER_BYTES) this.#inflate.destroy(new SpdyProtocolError('headers are too long'))
      else this.#chunks.push(chunk)
    })
  }

  async read(block: Uint8Array): Promise<SpdyHeaders> {
    await new Promise<void>((resolve) => {
      this.#inflate.once('close', resolve)
      this.#inflate.write(block)
      // By the time that the flush has gone through, everything before it has come out.
      this.#inflate.flush(constants.Z_SYNC_FLUSH, () => {
        this.#inflate.removeListener('close', resolve)
        resolve()
      })
    })
    if (this.#failure !== undefined || this.#inflate.destroyed)
      throw new SpdyProtocolError('headers cannot be read', { cause: this.#failure })
    const plain = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#size = 0
    return parseBlock(plain)
  }

  close(): void {
    this.#inflate.destroy()
  }
}

function plainBlock(headers: SpdyHeaders): Buffer {
  const parts: Buffer[] = []
  const text = (value: string): void => {
    const bytes = Buffer.from(value)
    parts.push(word(bytes.length), bytes)
  }
  const entries = Object.entries(headers)
  parts.push(word(entries.length))
  for (const [name, value] of entries) {
    text(name.toLowerCase())
    text(value)
  }
  return Buffer.concat(parts)
}

function parseBlock(plain: Buffer): SpdyHeaders {
  let at = 0
  const number = (): number => {
    if (at + 4 > plain.length) throw new SpdyProtocolError('headers are cut off')
    at += 4
    return plain.readUInt32BE(at - 4)
  }
  const text = (): string => {
    const length = number()
    if (at + length > plain.length) throw new SpdyProtocolError('headers are cut off')
    at += length
    return plain.toString('utf8', at - length, at)
  }
  const count = number()
  if (count > MOST_HEADERS) throw new SpdyProtocolError('there are too many headers')
  return Object.fromEntries(Array.from({ length: count }, () => [text(), text()]))
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
