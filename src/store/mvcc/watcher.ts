import type { WatchCallbacks } from '../engine.ts'
import type { OrderedKey } from './keys.ts'

/** One watch, as the store sees it. */
export interface Watcher {
  readonly prefix: OrderedKey
  readonly callbacks: WatchCallbacks
  readonly withPrevious: boolean
  /** The first revision that has not been looked at for this watcher. */
  next: number
  /** The last revision that the watcher has been told of. */
  told: number
  ended: boolean
  /** Stops listening to the watcher's scope. */
  release: () => void
}
