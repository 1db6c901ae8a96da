/** Chunks between a writer that does not wait and one reader. `onTaken` is told after chunks have been taken, for back-pressure. */
export class ChunkQueue implements AsyncIterable<Uint8Array> {
  #chunks: Uint8Array[] = []
  #bufferedBytes = 0
  #ended = false
  #error: Error | undefined
  #wake: (() => void) | undefined
  readonly #onTaken: () => void
  readonly #onStop: () => void

  constructor(callbacks: { readonly onTaken?: () => void; readonly onStop?: () => void } = {}) {
    this.#onTaken = callbacks.onTaken ?? ((): void => undefined)
    this.#onStop = callbacks.onStop ?? ((): void => undefined)
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  push(chunk: Uint8Array): void {
    if (this.#ended) return
    this.#chunks.push(chunk)
    this.#bufferedBytes += chunk.length
    this.#notify()
  }

  /** What was pushed before is still read; then the reader ends, or throws `error`. */
  end(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#notify()
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (this.#chunks.length > 0) {
          const taken = this.#chunks
          this.#chunks = []
          this.#bufferedBytes = 0
          this.#onTaken()
          yield* taken
        } else if (this.#ended) {
          if (this.#error !== undefined) throw this.#error
          return
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      this.#onStop()
    }
  }
}

export async function joinChunks(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}
