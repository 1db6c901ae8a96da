import { type Scope, isCancelled, messageOf } from '#base'
import { saidOf } from '../tokens/check-token.ts'
import { type Issuer, IssuerDown, NotTaken } from './issuer.ts'
import type { Door } from './login-rules.ts'
import { type Session, afterRecheck, digest } from './session.ts'

/** So long a browser may still show what it had before: pages ask for several things at once, and an issuer takes each of its words once. */
const REMEMBERED_MS = 60_000
/** An issuer that does not answer is not asked again at once. */
const LATER_MS = 10_000
const MOST_REMEMBERED = 1000

/** `late`: the issuer could not say; a session goes on then, until its end. */
type Outcome = { readonly kind: 'known'; readonly session: Session } | { readonly kind: 'unknown' } | { readonly kind: 'late' }

interface Recheck {
  readonly outcome: Promise<Outcome>
  readonly atMs: number
  isLate: boolean
}

/** Asks the issuer from time to time whether somebody is still whom it knows. */
export class Rechecks {
  readonly #door: Door
  readonly #issuer: Issuer
  readonly #claims: () => ReadonlySet<string>
  /** By a digest of what the issuer is shown; the oldest first. */
  readonly #recent = new Map<string, Recheck>()

  constructor(door: Door, issuer: Issuer, claims: () => ReadonlySet<string>) {
    this.#door = door
    this.#issuer = issuer
    this.#claims = claims
  }

  /** Undefined: the issuer knows him no more. */
  async check(
    scope: Scope,
    session: Session,
  ): Promise<{ readonly session: Session; readonly isNew: boolean; readonly isLate: boolean } | undefined> {
    const { refreshToken, recheckSeconds } = session
    if (refreshToken === undefined || recheckSeconds === undefined || scope.clock.now() / 1000 < recheckSeconds)
      return { session, isNew: false, isLate: false }
    const outcome = await this.#ask(scope, session, refreshToken)
    switch (outcome.kind) {
      case 'known':
        return { session: outcome.session, isNew: true, isLate: false }
      case 'unknown':
        return undefined
      case 'late':
        return { session, isNew: false, isLate: true }
    }
  }

  #ask(scope: Scope, session: Session, refreshToken: string): Promise<Outcome> {
    const key = digest(`${session.id} ${refreshToken}`)
    const nowMs = scope.clock.monotonic()
    const known = this.#recent.get(key)
    if (known !== undefined && nowMs - known.atMs < (known.isLate ? LATER_MS : REMEMBERED_MS)) return known.outcome
    for (const [one, { atMs }] of this.#recent) {
      if (nowMs - atMs < REMEMBERED_MS && this.#recent.size < MOST_REMEMBERED) break
      this.#recent.delete(one)
    }
    this.#recent.delete(key)
    const recheck: Recheck = { outcome: this.#askOnce(scope, session, refreshToken), atMs: nowMs, isLate: false }
    void recheck.outcome.then(({ kind }) => (recheck.isLate = kind === 'late'))
    this.#recent.set(key, recheck)
    return recheck.outcome
  }

  /** Never rejects. */
  async #askOnce(scope: Scope, session: Session, refreshToken: string): Promise<Outcome> {
    try {
      const granted = await this.#issuer.grant(scope, { grant_type: 'refresh_token', refresh_token: refreshToken }, this.#claims())
      // Somebody else is nobody here.
      if (granted.said !== undefined && saidOf(granted.said, 'sub') !== session.subject) return { kind: 'unknown' }
      const now = Math.floor(scope.clock.now() / 1000)
      return { kind: 'known', session: afterRecheck(this.#door, session, this.#claims(), granted.said, granted.refreshToken, now) }
    } catch (error) {
      if (error instanceof NotTaken) return { kind: 'unknown' }
      if (!(error instanceof IssuerDown) && !isCancelled(error)) throw error
      scope.log.warn('sessions go on, whether or not their people are still known', {
        issuer: this.#door.issuer,
        problem: messageOf(error),
      })
      return { kind: 'late' }
    }
  }
}
