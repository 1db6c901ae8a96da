import type { KubeObject } from '#api'
import { type Informer, type Result, after } from './contract.ts'
import { compareVersions } from './versions.ts'

/** A write whose event never comes (the object was on a server that lost it) must not hold its key for ever. */
const GIVE_UP_MS = 5 * 60_000

interface Pending {
  writtenVersion: string
  readonly deletedUids: Map<string, string>
  sinceMs: number
}

/**
 * Keeps a controller from acting on a view that does not contain its own last writes, which would create or delete twice.
 * A key is settled once the cache has reached the newest version that a write under it was answered with, and shows every object
 * that was deleted under it as terminating or gone. The events that make it so also enqueue the key, so nobody has to wait.
 */
export class OwnWrites<T extends KubeObject> {
  readonly #informer: Informer<T>
  readonly #now: () => number
  readonly #pending = new Map<string, Pending>()

  /** `now` is a monotonic clock in milliseconds. */
  constructor(informer: Informer<T>, now: () => number) {
    this.#informer = informer
    this.#now = now
  }

  /** A create or an update was answered with this. */
  wrote(key: string, answer: T): void {
    const pending = this.#of(key)
    const version = answer.metadata?.resourceVersion ?? ''
    if (compareVersions(version, pending.writtenVersion) > 0) pending.writtenVersion = version
  }

  deleted(key: string, objectKey: string, uid: string): void {
    this.#of(key).deletedUids.set(uid, objectKey)
  }

  /** For how long what is missing is still waited for; undefined when nothing is. */
  leftMs(key: string): number | undefined {
    const pending = this.#pending.get(key)
    if (pending === undefined) return undefined
    const leftMs = pending.sinceMs + GIVE_UP_MS - this.#now()
    if (leftMs > 0 && this.#lacks(pending)) return leftMs
    this.#pending.delete(key)
    return undefined
  }

  /** The key's object is gone. */
  forget(key: string): void {
    this.#pending.delete(key)
  }

  #lacks({ writtenVersion, deletedUids }: Pending): boolean {
    if (compareVersions(this.#informer.version, writtenVersion) < 0) return true
    for (const [uid, objectKey] of deletedUids) {
      const seen = this.#informer.get(objectKey)
      if (seen?.metadata?.uid === uid && seen.metadata.deletionTimestamp === undefined) return true
    }
    return false
  }

  #of(key: string): Pending {
    const known = this.#pending.get(key)
    const pending = known ?? { writtenVersion: '', deletedUids: new Map<string, string>(), sinceMs: 0 }
    pending.sinceMs = this.#now()
    if (known === undefined) this.#pending.set(key, pending)
    return pending
  }
}

/**
 * What a reconcile returns while any of these is not settled; undefined when all are. The event that is missing brings the key back, and should it
 * never come, the time at which it is given up for lost does.
 */
export function untilSettled(key: string, ...writes: readonly { leftMs(key: string): number | undefined }[]): Result | undefined {
  const left = writes.map((one) => one.leftMs(key)).filter((ms) => ms !== undefined)
  return left.length === 0 ? undefined : after(Math.max(...left))
}
