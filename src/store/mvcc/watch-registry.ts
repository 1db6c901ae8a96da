import type { OrderedKey } from './keys.ts'
import type { Watcher } from './watcher.ts'

/**
 * Finds the watchers of a key by the key's own prefixes: one look-up for each length that any watched prefix has, however
 * many watchers and prefixes there are.
 */
export class WatchRegistry {
  readonly #byPrefix = new Map<OrderedKey, Set<Watcher>>()
  /** How many watched prefixes have this length. */
  readonly #lengths = new Map<number, number>()

  add(watcher: Watcher): void {
    const { prefix } = watcher
    const present = this.#byPrefix.get(prefix)
    if (present !== undefined) {
      present.add(watcher)
      return
    }
    this.#byPrefix.set(prefix, new Set([watcher]))
    this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1)
  }

  remove(watcher: Watcher): void {
    const { prefix } = watcher
    const present = this.#byPrefix.get(prefix)
    if (present === undefined || !present.delete(watcher) || present.size > 0) return
    this.#byPrefix.delete(prefix)
    const left = (this.#lengths.get(prefix.length) ?? 1) - 1
    if (left === 0) this.#lengths.delete(prefix.length)
    else this.#lengths.set(prefix.length, left)
  }

  /** The watchers of a key, a set for each watched prefix of it. */
  of(key: OrderedKey): Set<Watcher>[] {
    const found: Set<Watcher>[] = []
    for (const length of this.#lengths.keys()) {
      if (length > key.length) continue
      const watchers = this.#byPrefix.get(key.slice(0, length))
      if (watchers !== undefined) found.push(watchers)
    }
    return found
  }
}
