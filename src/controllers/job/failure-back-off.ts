const FIRST_MS = 10_000
const MAX_MS = 600_000

interface Failures {
  count: number
  lastMs: number
  readonly uids: Set<string>
}

/** Delays replacements of failed pods: ten seconds after the first failure, doubled with each further one, until one succeeds. */
export class FailureBackOff {
  readonly #failures = new Map<string, Failures>()

  /** Told twice of the same pod, it counts once. */
  failed(who: string, uid: string, nowMs: number): void {
    const known = this.#failures.get(who) ?? { count: 0, lastMs: nowMs, uids: new Set<string>() }
    if (known.uids.has(uid)) return
    known.uids.add(uid)
    known.count++
    known.lastMs = nowMs
    this.#failures.set(who, known)
  }

  succeeded(who: string): void {
    const known = this.#failures.get(who)
    if (known !== undefined) known.count = 0
  }

  waitMs(who: string, nowMs: number): number {
    const known = this.#failures.get(who)
    if (known === undefined || known.count === 0) return 0
    return Math.max(0, known.lastMs + Math.min(FIRST_MS * 2 ** (known.count - 1), MAX_MS) - nowMs)
  }

  /** The Job is gone, and with it all its indexes. */
  forget(key: string): void {
    for (const who of this.#failures.keys()) if (who === key || who.startsWith(`${key} `)) this.#failures.delete(who)
  }
}
