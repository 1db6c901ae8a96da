import { type Scope, messageOf } from '#base'
import { saidOf } from '../tokens/check-token.ts'
import type { Ask } from '../tokens/ask-issuer.ts'
import type { EndedSessions } from './ended-sessions.ts'
import { type Credentials, Issuer, IssuerDown, type Metadata, NotTaken } from './issuer.ts'
import { type Door, type LoginRules, claimsOf } from './login-rules.ts'
import type { LoginAnswer, LoginQuestion } from './question.ts'
import { Rechecks } from './rechecks.ts'
import type { Sealer } from './sealed.ts'
import {
  type Begun,
  type Session,
  begin,
  browserCookie,
  cookieOf,
  enter,
  isOfBrowser,
  noCookie,
  nonceOf,
  readBegun,
  readSession,
  returnAddress,
  sessionCookie,
  toldOfSession,
} from './session.ts'

/** Nobody is believed for longer without being looked at again: so long goes on elsewhere what has ended here. */
const BELIEVED_SECONDS = 60
const LATER_SECONDS = 10

export interface DoorWork {
  readonly sealer: Sealer
  readonly ask: Ask
  readonly ended: EndedSessions
  /** Those that routes of the door look at now. */
  claims(): ReadonlySet<string>
}

const answer = (status: Extract<LoginAnswer, { kind: 'answer' }>['status'], why: string, cookies: readonly string[] = []): LoginAnswer => ({
  kind: 'answer',
  status,
  why,
  cookies,
})
const lead = (location: string, cookies: readonly string[] = []): LoginAnswer => ({ kind: 'answer', status: 303, location, cookies })
const NOT_BEGUN = 'This login was not begun in this browser, or too long ago. Go to the page again.'
const DOWN = 'Nobody can log in now: who knows the people does not answer as it should. Try again soon.'

/** Lets people in by one door: all that is known of them is in what their browsers show. */
export class DoorKeeper {
  readonly #door: Door
  readonly #work: DoorWork
  readonly #issuer: Issuer
  readonly #rechecks: Rechecks

  constructor(door: Door, credentials: Credentials, work: DoorWork) {
    this.#door = door
    this.#work = work
    this.#issuer = new Issuer(door, credentials, work.ask)
    this.#rechecks = new Rechecks(door, this.#issuer, () => work.claims())
  }

  async answer(scope: Scope, question: LoginQuestion, rules: LoginRules): Promise<LoginAnswer> {
    try {
      switch (question.at) {
        case 'page':
          return await this.#page(scope, question, rules)
        case 'return':
          return await this.#return(scope, question)
        case 'logout':
          return await this.#logout(scope, question)
      }
    } catch (error) {
      if (!(error instanceof IssuerDown)) throw error
      scope.log.warn('nobody can log in', { issuer: this.#door.issuer, problem: messageOf(error) })
      return answer(503, DOWN)
    }
  }

  async #page(scope: Scope, question: LoginQuestion, rules: LoginRules): Promise<LoginAnswer> {
    const now = scope.clock.now() / 1000
    const shown = this.#session(question, now)
    const checked = shown === undefined ? undefined : await this.#rechecks.check(scope, shown)
    if (checked === undefined) return await this.#sendAway(scope, question)
    const { session, isNew, isLate } = checked
    const told = toldOfSession(session, rules, claimsOf(rules))
    if (told === 'unknown') return await this.#sendAway(scope, question)
    if ('kind' in told) return answer(403, 'You are known here, and may not go there.')
    const cookie = isNew ? cookieOf(this.#door, this.#work.sealer, question.host, session, scope.random, Math.floor(now)) : undefined
    const until = Math.min(
      now + (isLate ? LATER_SECONDS : BELIEVED_SECONDS),
      session.endsSeconds,
      isLate ? Infinity : (session.recheckSeconds ?? Infinity),
    )
    return { kind: 'pass', untilSeconds: Math.floor(until), headers: told.headers, ...(cookie === undefined ? {} : { cookie }) }
  }

  /** Only a person who looks at a page can log in: what a program asks is told that nobody is. */
  async #sendAway(scope: Scope, { isNavigation, host, target, browser }: LoginQuestion): Promise<LoginAnswer> {
    if (!isNavigation) return answer(401, 'Nobody is logged in.')
    const { authorization } = await this.#issuer.metadata(scope)
    const { parameters, cookies } = begin(
      this.#door,
      this.#work.sealer,
      { host, target, browser },
      scope.random,
      Math.floor(scope.clock.now() / 1000),
    )
    return lead(withParameters(authorization, parameters), cookies)
  }

  async #return(scope: Scope, question: LoginQuestion): Promise<LoginAnswer> {
    const { method, host, target, browser } = question
    if (method !== 'GET') return answer(405, 'Only a browser that was sent away comes back here.')
    const asked = new URLSearchParams(target.slice(target.indexOf('?') + 1))
    const only = (name: string): string | undefined => (asked.getAll(name).length === 1 ? (asked.get(name) ?? undefined) : undefined)
    const now = scope.clock.now() / 1000
    const begun = readBegun(this.#door, this.#work.sealer, host, only('state') ?? '')
    if (begun === undefined || now >= begun.endsSeconds) return answer(400, NOT_BEGUN)
    if (!isOfBrowser(begun, browser)) {
      // Another page of the same browser was quicker: this one is known by what that one has got, whatever it brings.
      return this.#session(question, now) === undefined ? answer(400, NOT_BEGUN) : lead(`https://${host}${begun.target}`)
    }
    const metadata = await this.#issuer.metadata(scope)
    if (!isFrom(metadata, this.#door.issuer, asked.getAll('iss'))) return answer(400, 'Somebody else sends you back than you were sent to.')
    const error = asked.get('error')
    if (error !== null) {
      if (error === 'temporarily_unavailable' || error === 'server_error') throw new IssuerDown(error)
      return answer(403, 'Who knows the people did not let you in.')
    }
    const code = only('code')
    return code === undefined ? answer(400, NOT_BEGUN) : await this.#letIn(scope, host, begun, code)
  }

  async #letIn(scope: Scope, host: string, begun: Begun, code: string): Promise<LoginAnswer> {
    const over = noCookie(browserCookie(this.#door))
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: returnAddress(this.#door, host),
      code_verifier: begun.verifier,
    }
    const granted = await this.#issuer.grant(scope, form, this.#work.claims()).catch((error: unknown) => {
      if (error instanceof NotTaken) return undefined
      throw error
    })
    if (granted === undefined) return answer(400, NOT_BEGUN, [over])
    const { said, refreshToken } = granted
    if (said === undefined || saidOf(said, 'nonce') !== nonceOf(begun.verifier)) throw new IssuerDown('its token is of another login')
    const now = Math.floor(scope.clock.now() / 1000)
    const session = enter(this.#door, this.#work.claims(), said, refreshToken, scope.random, now)
    if ('problem' in session) throw new IssuerDown(`its token is not good: ${session.problem}`)
    const cookie = cookieOf(this.#door, this.#work.sealer, host, session, scope.random, now)
    return cookie === undefined
      ? answer(403, 'More is said of you than a browser keeps.', [over])
      : lead(`https://${host}${begun.target}`, [cookie, over])
  }

  async #logout(scope: Scope, question: LoginQuestion): Promise<LoginAnswer> {
    const { method, isFromElsewhere } = question
    if (method === undefined) return answer(405, 'One logs out by GET or POST.')
    if (isFromElsewhere) return answer(403, 'A page of somebody else wants you to log out. Go there yourself to do so.')
    const now = scope.clock.now() / 1000
    const session = this.#session(question, now)
    if (session !== undefined) this.#end(scope, session, now)
    const cookies = [noCookie(sessionCookie(this.#door)), noCookie(browserCookie(this.#door))]
    const { endSession } = (await this.#issuer.metadata(scope).catch(() => undefined)) ?? {}
    // There he is still known, and would be let in here again without a question.
    return session === undefined || endSession === undefined
      ? answer(200, 'You are logged out.', cookies)
      : lead(withParameters(endSession, { client_id: this.#door.client }), cookies)
  }

  #session({ host, session }: LoginQuestion, now: number): Session | undefined {
    const read = readSession(this.#door, this.#work.sealer, host, session, now)
    return read === undefined || this.#work.ended.has(read.id) ? undefined : read
  }

  #end(scope: Scope, session: Session, now: number): void {
    try {
      this.#work.ended.end(session, now)
    } catch (error) {
      scope.log.warn('the next gateway will not know that a session was logged out', { problem: messageOf(error) })
    }
  }
}

/** Whoever says who he is has to be the one whom people were sent to; whoever has said that he does has to say it. */
function isFrom({ saysIssuer }: Metadata, issuer: string, said: readonly string[]): boolean {
  return said.every((one) => one === issuer) && said.length === (saysIssuer || said.length > 0 ? 1 : 0)
}

function withParameters(address: string, parameters: Readonly<Record<string, string>>): string {
  const url = new URL(address)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
