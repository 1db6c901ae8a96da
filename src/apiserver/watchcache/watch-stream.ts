import type { BodySink, Clock, Labels, Scope, Timer } from '#base'
import { statusError } from '#api'
import type { WatchMeter } from '../observe/watch-metrics.ts'
import type { CacheListener, ResourceCache } from './cache.ts'
import type { Entry } from './entry.ts'
import { type EventType, type Shape, frameOf } from './frames.ts'
import type { CacheEvent } from './ring.ts'
import { type Selection, matches } from './lists/selection.ts'

export interface WatchStreamOptions {
  readonly cache: ResourceCache
  readonly selection: Selection
  readonly shape: Shape
  readonly clock: Clock
  /** Of the server: for what goes on as long as the watch does. */
  readonly scope: Scope
  /** Objects sent as ADDED before the changes; undefined for changes only. */
  readonly initial: readonly Entry[] | undefined
  /** The first change to be sent, by its place in the ring. */
  readonly fromSeq: number
  /** Changes up to this revision are not for this watcher: it asked for a revision that is still to come. */
  readonly afterRevision: number
  readonly bookmarks: boolean
  /** A bookmark that says so ends the initial objects. */
  readonly marksInitialEnd: boolean
  readonly initialRevision: number
  readonly timeoutMs: number
  /** What must have been done to an entry before it can be said whether it is selected. Absent: what its events need. */
  readonly prepare?: (scope: Scope, entry: Entry) => Promise<void> | undefined
  readonly meter: WatchMeter
  /** What the watch is, in metrics. */
  readonly labels: Labels
}

const BOOKMARK_INTERVAL_MS = 60_000
/** Initial objects are sent in pieces of about this size. */
const BATCH_BYTES = 64 << 10
/** A watcher that has been told to go and does not read that is cut off after this time. */
const LAST_WORDS_MS = 5_000

/**
 * One client's watch. It holds a place in the cache's ring and nothing else: when the client reads slowly, the place stays behind and
 * is continued when there is room again; when the ring has moved past it, the watch ends with 410.
 */
export class WatchStream implements CacheListener {
  readonly #options: WatchStreamOptions
  readonly #sink: BodySink
  /** By the clock's monotonic time. */
  readonly #endsAt: number
  #timer: Timer | undefined
  /** What the timer is for: the end, or to look whether a bookmark is wanted. */
  #endsNext = false
  readonly #onEnd: () => void
  #shape: Shape
  #initial: readonly Entry[] | undefined
  #initialAt = 0
  #nextSeq: number
  /** Caught up, and the client takes what it is sent. */
  #live = false
  #ended = false

  constructor(sink: BodySink, options: WatchStreamOptions, onEnd: () => void) {
    this.#options = options
    this.#sink = sink
    this.#onEnd = onEnd
    this.#shape = options.shape
    this.#initial = options.initial
    this.#nextSeq = options.fromSeq
    this.#endsAt = options.clock.monotonic() + options.timeoutMs
    sink.onClose(() => this.#close())
    if (this.#ended) return
    options.cache.listen(this)
    this.#arm()
    this.#pump()
  }

  get labels(): Labels {
    return this.#options.labels
  }
  get ended(): boolean {
    return this.#ended
  }

  /** Ends the answer in good order: the server stops, or the client's time is over. */
  end(): void {
    if (this.#ended) return
    this.#sink.end()
    this.#close()
  }

  onEvent(change: CacheEvent): void {
    if (!this.#live) return
    if (this.#mustPrepare(change.entry ?? change.previous) || this.#mustPrepare(change.previous)) return
    this.#nextSeq = change.seq + 1
    if (this.#offer(change)) return
    this.#live = false
    this.#sink.onDrain(this.#pump)
  }

  onReset(): void {
    this.#expire()
  }

  readonly #pump = (): void => {
    if (this.#ended) return
    if (this.#initial !== undefined && !this.#sendInitial(this.#initial)) return
    const { ring } = this.#options.cache
    while (this.#nextSeq < ring.nextSeq) {
      const change = ring.at(this.#nextSeq)
      if (change === undefined) return this.#expire()
      if (this.#mustPrepare(change.entry ?? change.previous) || this.#mustPrepare(change.previous)) return
      this.#nextSeq++
      if (!this.#offer(change)) return this.#sink.onDrain(this.#pump)
    }
    this.#live = true
  }

  /** False when the client has to read first. */
  #sendInitial(entries: readonly Entry[]): boolean {
    const { marksInitialEnd, initialRevision } = this.#options
    while (this.#initialAt < entries.length) {
      const parts: Buffer[] = []
      for (let size = 0; size < BATCH_BYTES && this.#initialAt < entries.length; ) {
        const entry = entries[this.#initialAt] as Entry
        if (this.#mustPrepare(entry)) {
          if (parts.length > 0) this.#sink.write(Buffer.concat(parts))
          return false
        }
        this.#initialAt++
        const frame = this.#shape.event('ADDED', entry, entry.bytes)
        this.#shape = this.#shape.next ?? this.#shape
        this.#count(frame)
        this.#options.meter.initial.value++
        parts.push(frame)
        size += frame.length
      }
      const [only] = parts
      if (!this.#sink.write(parts.length === 1 && only !== undefined ? only : Buffer.concat(parts))) {
        this.#sink.onDrain(this.#pump)
        return false
      }
    }
    this.#initial = undefined
    if (!marksInitialEnd || this.#sink.write(this.#shape.bookmark(initialRevision, true))) return true
    this.#sink.onDrain(this.#pump)
    return false
  }

  /** Whether the stream waits for something that an event about the entry needs; it goes on by itself. Ends it when that fails. */
  #mustPrepare(entry: Entry | undefined): boolean {
    const prepare = this.#options.prepare ?? this.#shape.prepare
    const preparing = entry === undefined ? undefined : prepare?.(this.#options.scope, entry)
    if (preparing === undefined) return false
    this.#live = false
    preparing.then(this.#pump, () => this.end())
    return true
  }

  /** False when the client has to read before it is sent more. */
  #offer(change: CacheEvent): boolean {
    const type = this.#typeFor(change)
    if (type === undefined) return true
    const frame = frameOf(change, type, this.#shape)
    this.#shape = this.#shape.next ?? this.#shape
    this.#count(frame)
    return this.#sink.write(frame)
  }

  #count(frame: Buffer): void {
    const { events, sizes } = this.#options.meter
    events.value++
    sizes.observe(frame.length)
  }

  /** Objects enter and leave a selection as if they came into being and went. */
  #typeFor(change: CacheEvent): EventType | undefined {
    const { selection, afterRevision } = this.#options
    if (change.revision <= afterRevision) return undefined
    const now = change.entry !== undefined && matches(selection, change.entry)
    const before = change.previous !== undefined && matches(selection, change.previous)
    return now ? (before ? 'MODIFIED' : 'ADDED') : before ? 'DELETED' : undefined
  }

  /** Each watch has one timer, and nearly all of them the same delay: Node keeps those in one list. */
  #arm(): void {
    const { clock } = this.#options
    const leftMs = Math.max(0, this.#endsAt - clock.monotonic())
    this.#endsNext = leftMs <= BOOKMARK_INTERVAL_MS
    this.#timer = clock.after(Math.min(leftMs, BOOKMARK_INTERVAL_MS), this.#tick, { background: true })
  }

  readonly #tick = (): void => {
    // Timers may come a little early: the time is not asked for again.
    if (this.#endsNext) return this.end()
    const { bookmarks, cache } = this.#options
    this.#arm()
    if (bookmarks && this.#live) this.#sink.write(this.#shape.bookmark(cache.revision, false))
  }

  #expire(): void {
    if (this.#ended) return
    const { clock, meter } = this.#options
    meter.cutOff.value++
    const sink = this.#sink
    sink.write(this.#shape.error(statusError.expired('too old resource version: the watcher was slower than the changes').status))
    sink.end()
    clock.after(LAST_WORDS_MS, () => sink.destroy(), { background: true })
    this.#close()
  }

  #close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#live = false
    this.#initial = undefined
    this.#options.cache.unlisten(this)
    this.#timer?.cancel()
    this.#onEnd()
  }
}
