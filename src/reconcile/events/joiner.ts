/** What makes two occurrences the same Event. */
export interface EventIdentity {
  readonly source: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly action: string | undefined
  /** The object, as text. */
  readonly about: string
}

/** One Event that was written lately. `name` is there once it has been stored. */
export interface KnownEvent {
  name: string | undefined
  count: number
}

export interface Occurrence {
  readonly known: KnownEvent
  readonly message: string
  /** It stands for several texts; client-go's combined Events name no reporting component. */
  readonly isCombined: boolean
}

/** Limits of client-go's correlator. */
const REMEMBERED = 4096
const SIMILAR_LIMIT = 10
const SIMILAR_WINDOW_MS = 600_000
const BURST = 25
const REFILL_MS = 300_000
/** Repeats of Events with an action are told this often. */
const SERIES_HEARTBEAT_MS = 360_000

interface Similar {
  readonly messages: Set<string>
  lastMs: number
}
interface Budget {
  tokens: number
  atMs: number
}
interface Remembered extends KnownEvent {
  toldMs: number
}

/**
 * Joins repeats: the same text counts up one Event; the tenth different text for one reason within ten minutes, and what is new after it, become one
 * combined Event; a source has 25 writes about an object, and one more every five minutes. It decides only; nothing is written here.
 */
export class EventJoiner {
  readonly #known = new Map<string, Remembered>()
  readonly #similar = new Map<string, Similar>()
  readonly #budgets = new Map<string, Budget>()

  /** Undefined: not to be written. */
  seen(event: EventIdentity, nowMs: number): Occurrence | undefined {
    const kind = JSON.stringify([event.source, event.type, event.reason, event.action, event.about])
    const isAction = event.action !== undefined
    const combined = !isAction && this.#isOneOfMany(kind, event.message, nowMs)
    const id = isAction ? kind : combined ? `${kind} combined` : `${kind} ${event.message}`
    const known = this.#known.get(id) ?? { name: undefined, count: 0, toldMs: 0 }
    known.count++
    remember(this.#known, id, known)
    if (isAction && known.count > 2 && nowMs - known.toldMs < SERIES_HEARTBEAT_MS) return undefined
    if (!isAction && !this.#allows(`${event.source} ${event.about}`, nowMs)) return undefined
    known.toldMs = nowMs
    return { known, isCombined: combined, message: combined ? `(combined from similar events): ${event.message}` : event.message }
  }

  #isOneOfMany(kind: string, message: string, nowMs: number): boolean {
    const before = this.#similar.get(kind)
    const similar =
      before === undefined || nowMs - before.lastMs > SIMILAR_WINDOW_MS ? { messages: new Set<string>(), lastMs: nowMs } : before
    similar.lastMs = nowMs
    const isNew = !similar.messages.has(message)
    const isOneTooMany = isNew && similar.messages.size >= SIMILAR_LIMIT - 1
    if (!isOneTooMany) similar.messages.add(message)
    remember(this.#similar, kind, similar)
    return isOneTooMany
  }

  #allows(who: string, nowMs: number): boolean {
    const budget = this.#budgets.get(who) ?? { tokens: BURST, atMs: nowMs }
    budget.tokens = Math.min(BURST, budget.tokens + (nowMs - budget.atMs) / REFILL_MS)
    budget.atMs = nowMs
    const allowed = budget.tokens >= 1
    if (allowed) budget.tokens--
    remember(this.#budgets, who, budget)
    return allowed
  }
}

/** Keeps the most recently used entries. */
function remember<V>(map: Map<string, V>, id: string, value: V): void {
  map.delete(id)
  map.set(id, value)
  if (map.size > REMEMBERED) for (const oldest of map.keys()) return void map.delete(oldest)
}
