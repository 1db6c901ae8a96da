import { createHash } from 'node:crypto'

/** Documents of one state of what they are about. */
export class DocumentCache {
  readonly #subject: { readonly version: number }
  readonly #documents = new Map<string, unknown>()
  readonly #bytes = new Map<string, { readonly bytes: Uint8Array; readonly etag: string }>()
  #version = -1

  /** The version of the subject rises with each change. */
  constructor(subject: { readonly version: number }) {
    this.#subject = subject
  }
  of(name: string, make: () => unknown): unknown {
    this.#refresh()
    const known = this.#documents.get(name)
    if (known !== undefined) return known
    const made = make()
    this.#documents.set(name, made)
    return made
  }
  /** A document as it is sent: in JSON, or as the bytes that `make` gives. */
  bytes(name: string, make: () => unknown): { readonly bytes: Uint8Array; readonly etag: string } {
    this.#refresh()
    const known = this.#bytes.get(name)
    if (known !== undefined) return known
    const document = make()
    const bytes = document instanceof Uint8Array ? document : Buffer.from(JSON.stringify(document))
    const made = { bytes, etag: `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"` }
    this.#bytes.set(name, made)
    return made
  }
  #refresh(): void {
    if (this.#version === this.#subject.version) return
    this.#version = this.#subject.version
    this.#documents.clear()
    this.#bytes.clear()
  }
}
