import type { Body, BodySink } from '#base'

/** Bytes of one item: from `start` of `bytes`, behind `prefix`. */
export interface Item {
  readonly prefix: string
  readonly bytes: Buffer
  readonly start: number
}

export interface ItemSource {
  readonly count: number
  item(at: number): Item
}

/** Answers up to this size are made in one piece. */
const ONE_PIECE_BYTES = 256 << 10
const CHUNK_BYTES = 1 << 20

/** `head`, the items with commas between them, `tail`; copied into chunks as fast as the client takes them, never as a whole. */
export function itemsBody(head: string, source: ItemSource, tail: string): Body {
  const headBytes = Buffer.from(head)
  const tailBytes = Buffer.from(tail)
  let size = headBytes.length + tailBytes.length + Math.max(0, source.count - 1)
  // Items of lazily made sources are made twice when they are measured first, so only those that are there are.
  for (let at = 0; at < source.count && size <= ONE_PIECE_BYTES; at++) size += sizeOf(source.item(at))
  if (size <= ONE_PIECE_BYTES) {
    const writer = new ItemWriter(headBytes, source, tailBytes)
    const whole = Buffer.allocUnsafe(size)
    writer.fill(whole)
    return { kind: 'bytes', chunks: [whole] }
  }
  return { kind: 'stream', start: (sink) => stream(new ItemWriter(headBytes, source, tailBytes), sink) }
}

const sizeOf = (item: Item): number => item.prefix.length + item.bytes.length - item.start

function stream(writer: ItemWriter, sink: BodySink): void {
  let closed = false
  sink.onClose(() => {
    closed = true
  })
  const run = (): void => {
    while (!closed) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      const length = writer.fill(chunk)
      if (length > 0 && !sink.write(length === chunk.length ? chunk : chunk.subarray(0, length))) {
        if (!writer.done) return sink.onDrain(run)
      }
      if (writer.done) return sink.end()
    }
  }
  run()
}

/** Copies the parts of a list one after the other into the buffers that it is given. */
class ItemWriter {
  readonly #head: Buffer
  readonly #source: ItemSource
  readonly #tail: Buffer
  /** What is being copied, and from where. */
  #part: Buffer
  #partAt = 0
  /** Next item; the count stands for the tail, one more for the end. */
  #next = 0

  constructor(head: Buffer, source: ItemSource, tail: Buffer) {
    this.#head = head
    this.#source = source
    this.#tail = tail
    this.#part = this.#head
  }

  get done(): boolean {
    return this.#next > this.#source.count && this.#partAt >= this.#part.length
  }

  /** Bytes written; less than the buffer's length only at the end. */
  fill(out: Buffer): number {
    let at = 0
    for (;;) {
      const copied = this.#part.copy(out, at, this.#partAt)
      at += copied
      this.#partAt += copied
      if (this.#partAt < this.#part.length || this.#next > this.#source.count) return at
      // A prefix is only written where it fits: the few bytes are not worth a part of their own.
      if (out.length - at < 64) {
        if (at === out.length || this.#next < this.#source.count) return at
      }
      if (this.#next === this.#source.count) {
        this.#part = this.#tail
        this.#partAt = 0
      } else {
        const { prefix, bytes, start } = this.#source.item(this.#next)
        if (this.#next > 0) out[at++] = 0x2c
        at += out.write(prefix, at, 'latin1')
        this.#part = bytes
        this.#partAt = start
      }
      this.#next++
    }
  }
}
