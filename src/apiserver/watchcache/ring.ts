import type { Entry } from './entry.ts'

/** One change of one object, shared by all who watch. */
export class CacheEvent {
  readonly seq: number
  readonly revision: number
  readonly key: string
  /** Undefined when the object was deleted. */
  readonly entry: Entry | undefined
  /** The object before: undefined when it is new. */
  readonly previous: Entry | undefined
  /** Encoded frames by form, made when the first watcher needs them. */
  #frames: Map<string, Buffer> | undefined
  frameBytes = 0

  constructor(seq: number, revision: number, key: string, entry: Entry | undefined, previous: Entry | undefined) {
    this.seq = seq
    this.revision = revision
    this.key = key
    this.entry = entry
    this.previous = previous
  }
  frame(form: string, make: () => Buffer): Buffer {
    const known = this.#frames?.get(form)
    if (known !== undefined) return known
    const made = make()
    this.frameBytes += made.length
    this.#frames ??= new Map()
    this.#frames.set(form, made)
    return made
  }
  get sizeBytes(): number {
    return (
      200 + (this.entry?.bytes.length ?? 0) + (this.previous === undefined || this.entry !== undefined ? 0 : this.previous.bytes.length)
    )
  }
}

/** The newest changes, as many as fit into a number of bytes. Who has fallen behind its oldest one starts again. */
export class EventRing {
  #events: CacheEvent[] = []
  #head = 0
  #bytes = 0
  #nextSeq = 1
  #floor: number
  readonly #limitBytes: number

  constructor(floor: number, limitBytes: number) {
    this.#floor = floor
    this.#limitBytes = limitBytes
  }

  /** Changes with revisions up to this one are no longer all here. */
  get floor(): number {
    return this.#floor
  }
  get nextSeq(): number {
    return this.#nextSeq
  }

  add(revision: number, key: string, entry: Entry | undefined, previous: Entry | undefined): CacheEvent {
    const event = new CacheEvent(this.#nextSeq++, revision, key, entry, previous)
    this.#events.push(event)
    // Frames are charged in advance: an event that somebody watches is there twice.
    this.#bytes += event.sizeBytes * 2
    while (this.#bytes > this.#limitBytes && this.#head < this.#events.length - 1) this.#dropOldest()
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head)
      this.#head = 0
    }
    return event
  }

  *[Symbol.iterator](): IterableIterator<CacheEvent> {
    for (let at = this.#head; at < this.#events.length; at++) {
      const event = this.#events[at]
      if (event !== undefined) yield event
    }
  }

  #dropOldest(): void {
    const oldest = this.#events[this.#head]
    if (oldest === undefined) return
    this.#floor = oldest.revision
    this.#bytes -= oldest.sizeBytes * 2
    // A hole for the collector; the array is compacted from time to time.
    ;(this.#events as (CacheEvent | undefined)[])[this.#head] = undefined
    this.#head++
  }

  /** Undefined when it has been dropped or has not happened yet. */
  at(seq: number): CacheEvent | undefined {
    const last = this.#events[this.#events.length - 1]
    if (last === undefined) return undefined
    const slot = this.#events.length - 1 - (last.seq - seq)
    return slot < this.#head ? undefined : this.#events[slot]
  }

  /** The first change after this revision; undefined when that may have been dropped. */
  seqAfter(revision: number): number | undefined {
    if (revision < this.#floor) return undefined
    let low = this.#head
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >> 1
      const event = this.#events[middle]
      if (event !== undefined && event.revision <= revision) low = middle + 1
      else high = middle
    }
    return this.#events[low]?.seq ?? this.#nextSeq
  }
}
