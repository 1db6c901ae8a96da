import { type Scope, type Timer, afterThisTurn } from '#base'
import type { StoreEvent, WatchCallbacks, WatchQuery } from '../engine.ts'
import { Compacted, StoreClosed } from '../errors.ts'
import { orderedPrefix } from './keys.ts'
import type { Keyspace } from './keyspace.ts'
import type { Version } from './version.ts'
import { WatchRegistry } from './watch-registry.ts'
import type { Watcher } from './watcher.ts'

/** Writes looked at for one watcher before the next one, or anyone else, has a turn. */
const REPLAY_STEP = 1024
/** A follower without events of its own hears of the store's progress after this time, and only when there is some. */
const PROGRESS_DELAY_MS = 100

/**
 * The watches of one store. A watcher first catches up with the history in steps, then follows: it gets each published
 * transaction during `publish`. Both happen without anything in between, so nothing is missed or seen twice.
 */
export class WatchHub {
  readonly #scope: Scope
  readonly #keyspace: Keyspace
  readonly #followers = new WatchRegistry()
  readonly #all = new Set<Watcher>()
  readonly #catchingUp = new Set<Watcher>()
  #stepQueued = false
  #progress: Timer | undefined

  constructor(scope: Scope, keyspace: Keyspace) {
    this.#scope = scope
    this.#keyspace = keyspace
  }

  add(scope: Scope, query: WatchQuery, callbacks: WatchCallbacks): void {
    if (scope.signal.aborted) return
    const next = query.fromRevision ?? this.#keyspace.revision + 1
    const watcher: Watcher = {
      prefix: orderedPrefix(query.prefix),
      callbacks,
      withPrevious: query.withPrevious === true,
      next,
      told: 0,
      ended: false,
      release: () => undefined,
    }
    const stop = (): void => this.#forget(watcher)
    scope.signal.addEventListener('abort', stop, { once: true })
    watcher.release = () => scope.signal.removeEventListener('abort', stop)
    this.#all.add(watcher)
    this.#catchingUp.add(watcher)
    this.#queueStep()
  }

  /** Hands newly visible versions, in order, to the followers. */
  publish(versions: readonly Version[]): void {
    if (this.#all.size === 0) return
    for (let start = 0; start < versions.length; ) {
      const revision = (versions[start] as Version).revision
      let end = start + 1
      while (versions[end]?.revision === revision) end++
      this.#dispatch(versions, start, end, revision)
      start = end
    }
    if (versions.length > 0) this.#queueProgress()
  }

  close(): void {
    this.#progress?.cancel()
    for (const watcher of this.#all) this.#end(watcher, new StoreClosed())
  }

  #dispatch(versions: readonly Version[], start: number, end: number, revision: number): void {
    const groups = new Map<Set<Watcher>, StoreEvent[]>()
    for (let at = start; at < end; at++) {
      const version = versions[at] as Version
      const audience = this.#followers.of(version.record.key)
      if (audience.length === 0) continue
      const event = this.#keyspace.eventOf(version, audience.some(wantsPrevious))
      for (const watchers of audience) {
        const events = groups.get(watchers)
        if (events === undefined) groups.set(watchers, [event])
        else events.push(event)
      }
    }
    for (const [watchers, events] of groups) for (const watcher of watchers) this.#deliver(watcher, events, revision)
  }

  #deliver(watcher: Watcher, events: readonly StoreEvent[], revision: number): void {
    if (watcher.ended || revision < watcher.next) return
    watcher.next = revision + 1
    watcher.told = revision
    try {
      watcher.callbacks.onEvents(events, revision)
    } catch (error) {
      this.#end(watcher, asError(error))
    }
  }

  #queueStep(): void {
    if (this.#stepQueued) return
    this.#stepQueued = true
    afterThisTurn(() => {
      this.#stepQueued = false
      for (const watcher of this.#catchingUp) this.#catchUp(watcher)
      if (this.#catchingUp.size > 0) this.#queueStep()
    })
  }

  /** One step of a replay; past the newest write, the watcher becomes a follower. */
  #catchUp(watcher: Watcher): void {
    const { history, revision, compactedRevision } = this.#keyspace
    if (watcher.next < compactedRevision) return this.#end(watcher, new Compacted(compactedRevision))
    let place = history.placeOf(watcher.next)
    for (const last = place + REPLAY_STEP; place < last && !watcher.ended; ) {
      const first = history.at(place)
      // What is newer is not durable yet.
      if (first === undefined || first.revision > revision) {
        watcher.next = Math.max(watcher.next, revision + 1)
        break
      }
      let events: StoreEvent[] | undefined
      for (; history.at(place)?.revision === first.revision; place++) {
        const version = history.at(place) as Version
        if (!version.record.key.startsWith(watcher.prefix)) continue
        try {
          events ??= []
          events.push(this.#keyspace.eventOf(version, watcher.withPrevious))
        } catch (error) {
          return this.#end(watcher, asError(error))
        }
      }
      if (events !== undefined) this.#deliver(watcher, events, first.revision)
      watcher.next = first.revision + 1
    }
    if (watcher.ended || watcher.next <= revision) return
    this.#catchingUp.delete(watcher)
    this.#followers.add(watcher)
    this.#tellProgress(watcher)
  }

  #queueProgress(): void {
    this.#progress ??= this.#scope.clock.after(
      PROGRESS_DELAY_MS,
      () => {
        this.#progress = undefined
        for (const watcher of this.#all)
          if (watcher.told < this.#keyspace.revision && !this.#catchingUp.has(watcher)) this.#tellProgress(watcher)
      },
      { background: true },
    )
  }

  #tellProgress(watcher: Watcher): void {
    watcher.told = this.#keyspace.revision
    if (watcher.callbacks.onProgress === undefined) return
    try {
      watcher.callbacks.onProgress(watcher.told)
    } catch (error) {
      this.#end(watcher, asError(error))
    }
  }

  #forget(watcher: Watcher): void {
    watcher.ended = true
    watcher.release()
    this.#all.delete(watcher)
    this.#catchingUp.delete(watcher)
    this.#followers.remove(watcher)
  }

  #end(watcher: Watcher, error: Error): void {
    if (watcher.ended) return
    this.#forget(watcher)
    try {
      watcher.callbacks.onEnd(error)
    } catch (thrown) {
      this.#scope.log.error('a watch callback has thrown at its end', { error: thrown })
    }
  }
}

/** All watchers of a key share its event. */
function wantsPrevious(watchers: ReadonlySet<Watcher>): boolean {
  for (const { withPrevious } of watchers) if (withPrevious) return true
  return false
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
}
