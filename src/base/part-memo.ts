import type { Scope } from './scope.ts'

/** Shorter parts are read as fast as they are found; longer ones are rare, and would push out many others. */
const LEAST_BYTES = 192
const MOST_BYTES = 64 << 10
/** Read, a part takes about four times the room of its text. */
const ROOM_FOR_EACH_BYTE = 5
const REST_MS = 4_000
/** Texts that have come once. */
const CANDIDATES = 1024

/**
 * Shared parts of objects by their texts: what this text was read as before is what it is read as now. The text itself is the key,
 * so nobody can bring a part to stand for another one. What is kept is bounded, comes in when a text is seen for the second time, and
 * goes when nothing was asked for a few seconds.
 */
export class PartMemo {
  /** Stands in for parts in texts that come from others; nobody can guess it. */
  readonly token: string
  readonly #scope: Scope
  readonly #limitBytes: number
  /** Two generations: when the new one is full the old one goes, but for what was asked for meanwhile. */
  #young = new Map<object, Map<string, object>>()
  #old = new Map<object, Map<string, object>>()
  #youngBytes = 0
  #candidates = new Set<string>()
  #isTimed = false
  #isUsed = false

  constructor(scope: Scope, limitBytes = 24 << 20) {
    this.#scope = scope
    this.#limitBytes = limitBytes
    this.token = scope.random.uuid()
  }

  /** Whether a part of this length is looked for. */
  fits(length: number): boolean {
    return length >= LEAST_BYTES && length <= MOST_BYTES
  }

  /** `of` says how the text is read. */
  find(of: object, text: string): object | undefined {
    const part = this.#young.get(of)?.get(text)
    if (part !== undefined) {
      this.#isUsed = true
      return part
    }
    const old = this.#old.get(of)?.get(text)
    if (old !== undefined) this.keep(of, text, old)
    return old
  }

  /** Whether the text was asked about a short while before: many texts come twice in the end, and few soon. */
  isSecond(text: string): boolean {
    if (this.#candidates.has(text)) return true
    if (this.#candidates.size >= CANDIDATES) this.#candidates = new Set()
    this.#candidates.add(flat(text))
    this.#rest()
    return false
  }

  keep(of: object, text: string, part: object): void {
    const bytes = text.length * ROOM_FOR_EACH_BYTE
    if (this.#youngBytes + bytes > this.#limitBytes / 2) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngBytes = 0
    }
    let parts = this.#young.get(of)
    if (parts === undefined) this.#young.set(of, (parts = new Map<string, object>()))
    parts.set(flat(text), part)
    this.#youngBytes += bytes
    this.#isUsed = true
    this.#rest()
  }

  /** Nothing is kept while nobody asks. */
  #rest(): void {
    if (this.#isTimed) return
    this.#isTimed = true
    this.#scope.clock.after(
      REST_MS,
      () => {
        this.#isTimed = false
        if (this.#isUsed) {
          this.#isUsed = false
          return this.#rest()
        }
        this.#young = new Map()
        this.#old = new Map()
        this.#youngBytes = 0
        this.#candidates = new Set()
      },
      { background: true },
    )
  }
}

/** A text that was cut out of another one holds on to all of it. */
const flat = (text: string): string => Buffer.from(text).toString()
