import type { Writable } from 'node:stream'
import type { BodySink } from '#base'

/** An answer's body over a Node stream. One for each watch, for hours: it is kept small. */
export class StreamSink<T extends Writable> implements BodySink {
  readonly #target: T
  readonly #breakOff: (target: T, error?: Error) => void
  #drains: readonly (() => void)[] = NOTHING
  #closers: readonly (() => void)[] = NOTHING
  #closed = false

  constructor(target: T, breakOff: (target: T, error?: Error) => void) {
    this.#target = target
    this.#breakOff = breakOff
    target.on('drain', () => this.#drained())
    target.on('error', ignore)
    target.on('close', () => this.#close())
  }

  write(chunk: Uint8Array): boolean {
    return !this.#closed && this.#target.write(chunk)
  }
  get bufferedBytes(): number {
    return this.#target.writableLength
  }
  onDrain(run: () => void): void {
    if (!this.#closed) this.#drains = [...this.#drains, run]
  }
  onClose(run: () => void): void {
    if (this.#closed) run()
    else this.#closers = [...this.#closers, run]
  }
  end(): void {
    if (this.#closed) return
    this.#target.end()
    this.#close()
  }
  destroy(error?: Error): void {
    if (this.#closed) return
    this.#breakOff(this.#target, error)
    this.#close()
  }

  #drained(): void {
    const runs = this.#drains
    this.#drains = NOTHING
    for (const run of runs) run()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#drains = NOTHING
    const runs = this.#closers
    this.#closers = NOTHING
    for (const run of runs) run()
  }
}

const NOTHING: readonly (() => void)[] = []
const ignore = (): void => undefined
