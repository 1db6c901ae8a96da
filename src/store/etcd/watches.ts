import type { Scope, Timer } from '#base'
import type { StoreEvent, WatchCallbacks, WatchQuery } from '../engine.ts'
import { Compacted, StoreClosed } from '../errors.ts'
import type { Known } from './known.ts'
import type { Members } from './members.ts'
import type { RpcFailed, RpcStream } from '#base/grpc'
import { rangeOf } from './spans.ts'
import { type WatchAnswer, type WatchEvent, watchAnswer, watchCancelRequest, watchCreateRequest, watchProgressRequest } from './wire.ts'

interface Watch {
  readonly query: WatchQuery
  readonly callbacks: WatchCallbacks
  readonly signal: AbortSignal
  readonly stop: () => void
  /** Nothing before it is shown. */
  readonly fromRevision: number
  /** Its number on the stream; changes with each stream. */
  id: number
  /** Everything before this revision has been shown. */
  next: number
  /** Which of the requests on this stream its creation was; undefined until etcd has confirmed it. */
  confirmedAt: number | undefined
  told: boolean
  /** Events of an answer whose last part has not come yet. */
  parts: WatchEvent[]
}

/** A follower without events of its own hears of progress after this time, and only when there is some. */
const PROGRESS_DELAY_MS = 100
/** How soon etcd is asked again: it does not answer while it still sends history. */
const FIRST_ASK_MS = 5
const LONGEST_ASK_MS = 200
/** Moves the place of idle watches on, so that after a lost connection it is still in the history. */
const IDLE_ASK_MS = 30_000
const MOST_ASKED = 512
const RECONNECT_FIRST_MS = 20
const RECONNECT_LONGEST_MS = 1_000
/** A member that has lost its leader then ends the stream, instead of saying nothing. */
const NEEDS_LEADER = { hasleader: 'true' } as const

/**
 * All watches of the engine on one stream. When it breaks, each goes on in a new one after the last revision that it has shown in whole:
 * no gap, no repetition. Who asks for progress hears only what etcd said after it had confirmed the watch.
 */
export class Watches {
  readonly #scope: Scope
  readonly #members: Members
  readonly #known: Known
  readonly #watches = new Map<number, Watch>()
  #stream: RpcStream | undefined
  /** Makes the next stream go to another member. */
  #leave: () => void = () => undefined
  #connecting = false
  #closed = false
  #lastId = 0
  /** Counts confirmations and requests for progress, to tell what came first. */
  #turn = 0
  /** Turns of the requests for progress that have no answer yet; etcd answers in order, and leaves some out. */
  #asked: number[] = []
  #timer: { readonly atMs: number; readonly timer: Timer } | undefined
  #askMs = FIRST_ASK_MS
  #waiting: (() => void)[] = []

  constructor(scope: Scope, members: Members, known: Known) {
    this.#scope = scope
    this.#members = members
    this.#known = known
    known.onRevision = () => this.#arm(PROGRESS_DELAY_MS)
  }

  add(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void {
    if (scope.signal.aborted) return
    const newest = this.#known.revision
    const fromRevision = query.fromRevision ?? newest + 1
    const watch: Watch = {
      query,
      callbacks,
      signal: scope.signal,
      stop: () => this.#drop(watch),
      fromRevision,
      id: 0,
      // etcd says nothing of progress while a watch waits for the future: it begins in the present, and what is too early is left out.
      next: Math.min(fromRevision, newest + 1),
      confirmedAt: undefined,
      told: false,
      parts: [],
    }
    scope.signal.addEventListener('abort', watch.stop, { once: true })
    this.#enter(watch)
    if (this.#stream !== undefined) this.#create(this.#stream, watch)
    else void this.#connect()
  }

  /** Somebody waits for progress: etcd is asked soon if a watch is behind, which its events may cure meanwhile. */
  hurry(): void {
    if (this.#isBehind()) this.#arm(FIRST_ASK_MS)
  }

  /** Resolves when no watch is behind what is known, or there is no connection to hear more from. */
  caughtUp(): Promise<void> {
    if (this.#stream === undefined || !this.#isBehind()) return Promise.resolve()
    this.hurry()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    this.#closed = true
    this.#timer?.timer.cancel()
    this.#stream?.cancel()
    for (const watch of this.#watches.values()) this.#end(watch, new StoreClosed())
    this.#release()
  }

  #enter(watch: Watch): void {
    watch.id = ++this.#lastId
    watch.confirmedAt = undefined
    watch.parts = []
    this.#watches.set(watch.id, watch)
  }

  #create(stream: RpcStream, watch: Watch): void {
    const { key, end } = rangeOf(watch.query.prefix)
    stream.send(watchCreateRequest({ id: watch.id, key, end, startRevision: watch.next, withPrevious: watch.query.withPrevious === true }))
  }

  #drop(watch: Watch): void {
    if (!this.#watches.delete(watch.id)) return
    watch.signal.removeEventListener('abort', watch.stop)
    this.#stream?.send(watchCancelRequest(watch.id))
    this.#settle()
  }

  #end(watch: Watch, error: Error): void {
    if (!this.#watches.has(watch.id)) return
    this.#drop(watch)
    watch.callbacks.onEnd(error)
  }

  async #connect(): Promise<void> {
    if (this.#connecting) return
    this.#connecting = true
    for (let pauseMs = RECONNECT_FIRST_MS; !this.#closed; pauseMs = Math.min(pauseMs * 2, RECONNECT_LONGEST_MS)) {
      try {
        const session = await this.#members.session()
        if (this.#closed) break
        const stream = session.stream('etcdserverpb.Watch/Watch', NEEDS_LEADER, {
          onMessage: (message) => this.#stream === stream && this.#take(watchAnswer(message)),
          onEnd: (failure) => {
            if (this.#stream === stream) this.#lost(failure)
          },
        })
        this.#leave = () => this.#members.leave(session)
        this.#begin(stream)
        break
      } catch (error) {
        if (error instanceof StoreClosed) break
        await this.#members.pause(pauseMs).catch(() => undefined)
      }
    }
    this.#connecting = false
  }

  #begin(stream: RpcStream): void {
    this.#stream = stream
    this.#asked = []
    const again = [...this.#watches.values()]
    for (const watch of again) {
      this.#watches.delete(watch.id)
      this.#enter(watch)
      this.#create(stream, watch)
    }
    this.#arm(IDLE_ASK_MS)
  }

  #lost(failure: RpcFailed): void {
    this.#stream = undefined
    this.#release()
    if (this.#closed) return
    this.#scope.log.warn('the watches on etcd were cut off, they go on where they were', { error: failure.message })
    this.#leave()
    this.#scope.clock.after(RECONNECT_FIRST_MS, () => void this.#connect(), { background: true })
  }

  /** Goes on in a new stream. */
  #restart(reason: string): void {
    this.#scope.log.warn('the watches on etcd begin again where they were', { reason })
    const stream = this.#stream
    this.#stream = undefined
    stream?.cancel()
    this.#scope.clock.after(RECONNECT_FIRST_MS, () => void this.#connect(), { background: true })
  }

  #take(answer: WatchAnswer): void {
    if (answer.id === -1) return this.#progressOfAll(answer.revision)
    const watch = this.#watches.get(answer.id)
    if (watch === undefined) return
    if (answer.canceled) return this.#canceled(watch, answer)
    if (answer.created) return this.#confirmed(watch, answer.revision)
    if (answer.events.length === 0 && !answer.fragment && watch.parts.length === 0) return this.#progress(watch, answer.revision)
    watch.parts.push(...answer.events)
    if (answer.fragment) return
    const events = watch.parts
    watch.parts = []
    this.#deliver(watch, events)
  }

  #confirmed(watch: Watch, revision: number): void {
    watch.confirmedAt = ++this.#turn
    if (watch.next > revision) return this.#progress(watch, revision)
    this.#askMs = FIRST_ASK_MS
    this.#arm(FIRST_ASK_MS)
  }

  #canceled(watch: Watch, { compactRevision, cancelReason }: WatchAnswer): void {
    if (compactRevision > 0) {
      this.#known.compacted(compactRevision)
      return this.#end(watch, new Compacted(compactRevision))
    }
    // No leader, a member that stops: the same as a broken connection.
    this.#leave()
    this.#restart(`etcd ended a watch: ${cancelReason}`)
  }

  /** Events come in revision order; those of one revision are together once all parts are. */
  #deliver(watch: Watch, events: readonly WatchEvent[]): void {
    for (let from = 0; from < events.length; ) {
      const revision = events[from]?.current.modRevision ?? 0
      let to = from + 1
      while (to < events.length && events[to]?.current.modRevision === revision) to++
      const isNew = revision >= watch.next
      if (isNew) {
        watch.next = revision + 1
        this.#known.reached(revision)
        if (revision >= watch.fromRevision) this.#show(watch, events.slice(from, to), revision)
        if (!this.#watches.has(watch.id)) return
      }
      from = to
    }
    this.#settle()
  }

  #show(watch: Watch, events: readonly WatchEvent[], revision: number): void {
    const shown = events.map(({ kind, current, previous }): StoreEvent => {
      const event = { kind, key: current.key, current }
      return previous === undefined ? event : { ...event, previous }
    })
    try {
      watch.callbacks.onEvents(shown, revision)
    } catch (error) {
      this.#end(watch, error instanceof Error ? error : new Error(String(error)))
    }
  }

  #progressOfAll(revision: number): void {
    const asked = this.#asked.shift() ?? 0
    for (const watch of this.#watches.values())
      if (watch.confirmedAt !== undefined && watch.confirmedAt < asked) this.#progress(watch, revision)
    if (this.#isBehind()) this.#ask()
  }

  #progress(watch: Watch, revision: number): void {
    const isNews = !watch.told || revision >= watch.next
    watch.told = true
    watch.next = Math.max(watch.next, revision + 1)
    this.#known.reached(revision)
    try {
      if (isNews) watch.callbacks.onProgress?.(revision)
    } catch (error) {
      this.#end(watch, error instanceof Error ? error : new Error(String(error)))
    }
    this.#settle()
  }

  #isBehind(): boolean {
    for (const watch of this.#watches.values()) if (!watch.told || watch.next <= this.#known.revision) return true
    return false
  }

  #settle(): void {
    if (this.#waiting.length > 0 && !this.#isBehind()) this.#release()
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #ask(): void {
    if (this.#stream === undefined) return
    // What it has left out cannot be told from what it will still answer.
    if (this.#asked.length >= MOST_ASKED) return this.#restart('etcd does not tell of progress')
    this.#asked.push(++this.#turn)
    this.#stream.send(watchProgressRequest())
    this.#arm(this.#askMs)
    this.#askMs = Math.min(this.#askMs * 2, LONGEST_ASK_MS)
  }

  /** Looks after this time whether etcd has to be asked, or sooner when that was planned already. */
  #arm(delayMs: number): void {
    if (this.#closed) return
    const atMs = this.#scope.clock.monotonic() + delayMs
    if (this.#timer !== undefined) {
      if (this.#timer.atMs <= atMs) return
      this.#timer.timer.cancel()
    }
    const timer = this.#scope.clock.after(
      delayMs,
      () => {
        this.#timer = undefined
        if (delayMs === IDLE_ASK_MS || this.#isBehind()) return this.#ask()
        this.#askMs = FIRST_ASK_MS
        this.#arm(IDLE_ASK_MS)
      },
      { background: true },
    )
    this.#timer = { atMs, timer }
  }
}
