/** One change as a client knows it from an answer, or a watcher from an event. */
export interface Change {
  readonly kind: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly name: string
  readonly value: string
  readonly revision: number
}

/** What is there of a name. `revision` is undefined where the answer that would have told it never came. */
export interface State {
  readonly value: string
  readonly revision: number | undefined
}

/** Nothing is there of the name. */
const GONE = 'gone'
type Known = State | typeof GONE

/**
 * What one client was promised. It writes to its own names, one request at a time: of each name it knows what was acknowledged last, and of at most one
 * whether something more may have happened.
 */
export class Ledger {
  readonly acknowledged: Change[] = []
  readonly deleted = new Set<string>()
  #states = new Map<string, Known>()
  #pending: { readonly name: string; readonly state: Known } | undefined
  deletions = 0
  unanswered = 0
  unansweredApplied = 0

  get names(): readonly string[] {
    return [...this.#states].filter(([, state]) => state !== GONE).map(([name]) => name)
  }

  /** Before a request is sent. */
  intend(kind: Change['kind'], name: string, value: string): void {
    this.#pending = { name, state: kind === 'DELETED' ? GONE : { value, revision: undefined } }
  }

  /** Its answer has come, and says yes. Answers to deletes tell no revision. */
  confirm(kind: Change['kind'], name: string, value: string, revision: number | undefined): void {
    this.#pending = undefined
    if (kind === 'DELETED') {
      this.#states.set(name, GONE)
      this.deleted.add(name)
      this.deletions++
      return
    }
    if (revision === undefined) throw new Error(`the answer to the write of ${name} has no revision`)
    this.#states.set(name, { value, revision })
    this.acknowledged.push({ kind, name, value, revision })
  }

  /** Compares what was promised with what a list after a crash shows of this client's names; from now on that is what is known. */
  settle(found: ReadonlyMap<string, State>): string[] {
    const problems: string[] = []
    const pending = this.#pending
    this.#pending = undefined
    if (pending !== undefined) this.unanswered++
    const names = new Set([...this.#states.keys(), ...(pending === undefined ? [] : [pending.name])])
    for (const name of names) {
      const promised = this.#states.get(name) ?? GONE
      const seen = found.get(name) ?? GONE
      const isApplied = pending?.name === name && fits(pending.state, seen)
      if (isApplied && !fits(promised, seen)) this.unansweredApplied++
      else if (!isApplied && !fits(promised, seen))
        problems.push(
          `${name}: found ${JSON.stringify(seen)}, acknowledged ${JSON.stringify(promised)}, unanswered ${JSON.stringify(pending)}`,
        )
      if (seen === GONE) this.#states.delete(name)
      else this.#states.set(name, seen)
    }
    return problems
  }
}

function fits(promised: Known, seen: Known): boolean {
  if (promised === GONE || seen === GONE) return promised === seen
  return promised.value === seen.value && (promised.revision === undefined || promised.revision === seen.revision)
}

/** Revisions between which a watcher was told (410) that it has missed something. */
export interface Gap {
  readonly after: number
  readonly upTo: number
}

/**
 * What is wrong with the events of one watcher that went on from the last one it had seen whenever it was cut off: they must be in order and unique, continue each other,
 * and hold everything that was acknowledged, as it was acknowledged.
 */
export function historyProblems(events: readonly Change[], gaps: readonly Gap[], ledgers: readonly Ledger[]): string[] {
  const problems: string[] = []
  const byRevision = new Map<number, Change>()
  const there = new Set<string>()
  let last = 0
  for (const event of events) {
    if (event.revision <= last) problems.push(`event of revision ${event.revision} after one of ${last}`)
    if (gaps.length === 0) {
      if ((event.kind === 'ADDED') === there.has(event.name))
        problems.push(`${event.kind} of ${event.name} at ${event.revision}, which ${there.has(event.name) ? 'is there' : 'is not there'}`)
    }
    if (event.kind === 'DELETED') there.delete(event.name)
    else there.add(event.name)
    last = Math.max(last, event.revision)
    byRevision.set(event.revision, event)
  }
  const isMissed = (revision: number): boolean => gaps.some(({ after, upTo }) => revision > after && revision <= upTo)
  const deleted = new Set(events.filter(({ kind }) => kind === 'DELETED').map(({ name }) => name))
  for (const ledger of ledgers) {
    for (const wanted of ledger.acknowledged) {
      const seen = byRevision.get(wanted.revision)
      if (seen === undefined) {
        if (!isMissed(wanted.revision)) problems.push(`no event of ${JSON.stringify(wanted)}, which was acknowledged`)
      } else if (seen.kind !== wanted.kind || seen.name !== wanted.name || seen.value !== wanted.value)
        problems.push(`event ${JSON.stringify(seen)}, acknowledged ${JSON.stringify(wanted)}`)
    }
    if (gaps.length === 0)
      for (const name of ledger.deleted)
        if (!deleted.has(name)) problems.push(`no event of the deletion of ${name}, which was acknowledged`)
  }
  return problems
}
