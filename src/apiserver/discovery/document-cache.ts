import { createHash } from 'node:crypto'

/** A document as it is sent, and since when it is so. */
export interface CachedDocument {
  readonly bytes: Uint8Array
  readonly etag: string
  readonly modifiedMs: number
}

/** Documents of one state of what they are about. */
export class DocumentCache {
  readonly #subject: { readonly version: number }
  readonly #documents = new Map<string, unknown>()
  readonly #bytes = new Map<string, CachedDocument>()
  /** By the document's name, kept when the document itself is not: most are the same after a change of the subject. */
  readonly #since = new Map<string, Pick<CachedDocument, 'etag' | 'modifiedMs'>>()
  readonly #now: () => number
  #version = -1

  /** The version of the subject rises with each change. */
  constructor(subject: { readonly version: number }, now: () => number) {
    this.#subject = subject
    this.#now = now
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
  bytes(name: string, make: () => unknown): CachedDocument {
    this.#refresh()
    const known = this.#bytes.get(name)
    if (known !== undefined) return known
    const document = make()
    const bytes = document instanceof Uint8Array ? document : Buffer.from(JSON.stringify(document))
    const etag = `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"`
    const before = this.#since.get(name)
    const made = { bytes, etag, modifiedMs: before?.etag === etag ? before.modifiedMs : this.#now() }
    this.#bytes.set(name, made)
    this.#since.set(name, { etag, modifiedMs: made.modifiedMs })
    return made
  }
  #refresh(): void {
    if (this.#version === this.#subject.version) return
    this.#version = this.#subject.version
    this.#documents.clear()
    this.#bytes.clear()
  }
}
