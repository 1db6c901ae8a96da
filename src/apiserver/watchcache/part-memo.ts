import type { Scope } from '#base'

/** Shorter parts are read as fast as they are found; longer ones are rare, and would push out many others. */
const LEAST_BYTES = 192
const MOST_BYTES = 64 << 10
/** Read, a part takes about four times the room of its text. */
const ROOM_FOR_EACH_BYTE = 5
const REST_MS = 4_000
const SIGHTINGS = 4096

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
  #sightings: Int32Array | undefined
  #isTimed = false
  #isUsed = false

  constructor(scope: Scope, limitBytes = 8 << 20) {
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

  /** Whether the text has been asked about before, as far as is remembered: not many texts come twice. */
  isSecond(text: string): boolean {
    const hash = hashOf(text)
    const seen = (this.#sightings ??= new Int32Array(SIGHTINGS))
    const slot = hash & (SIGHTINGS - 1)
    if (seen[slot] === hash) return true
    seen[slot] = hash
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
    parts.set(text, part)
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
        this.#sightings = undefined
      },
      { background: true },
    )
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5 | 0
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}
