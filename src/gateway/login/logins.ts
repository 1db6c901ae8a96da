import type { Scope } from '#base'
import type { Client } from '#client'
import type { Ask } from '../tokens/ask-issuer.ts'
import { RouteIds } from '../tokens/route-ids.ts'
import { ClientSecrets } from './client-secrets.ts'
import { DoorKeeper } from './door-keeper.ts'
import type { EndedSessions } from './ended-sessions.ts'
import { type Door, type LoginRules, claimsOf } from './login-rules.ts'
import type { LoginAnswer, LoginQuestion } from './question.ts'
import { sealerFor } from './sealed.ts'

/** How a route's people are known; `waiting`: its Secret was not read yet, and nobody passes before. */
export type LoginCheck = { readonly id: string; readonly door: string } | { readonly problem: string } | 'waiting'

interface Route {
  readonly rules: LoginRules
  readonly text: string
}

interface OpenDoor {
  readonly routes: Set<string>
  keeper: DoorKeeper | undefined
}

export interface LoginsOptions {
  /** What everything is sealed with. */
  readonly key: Uint8Array
  readonly ask: Ask
  readonly ended: EndedSessions
}

/** Less than the data plane waits. */
const WITHIN_MS = 7000

/** Which routes want people to log in, and who has. */
export class Logins {
  readonly #scope: Scope
  readonly #options: LoginsOptions
  readonly #secrets: ClientSecrets
  readonly #routes = new Map<string, Route>()
  readonly #ids = new RouteIds<LoginRules>()
  readonly #doors = new Map<string, OpenDoor>()
  readonly #usersOf = new Map<string, Set<string>>()

  /** `onChange`: these are to be looked at again, their Secret holds something else now. */
  constructor(scope: Scope, client: Client, onChange: (wishes: ReadonlySet<string>) => void, options: LoginsOptions) {
    this.#scope = scope
    this.#options = options
    this.#secrets = new ClientSecrets(scope, client, (key) => {
      const users = this.#usersOf.get(key) ?? new Set()
      // Who has come in by another secret has not come in by this one.
      for (const wish of users) this.#doorOf(wish).keeper = undefined
      onChange(users)
    })
  }

  /** From now on this is what the wish wants of people; undefined: nothing. */
  name(wish: string, rules: LoginRules | undefined): void {
    const before = this.#routes.get(wish)
    const text = rules === undefined ? undefined : JSON.stringify(rules)
    if (before?.text === text) return
    if (rules !== undefined && text !== undefined) {
      const { door } = rules
      const open = this.#doors.get(door.id) ?? { routes: new Set(), keeper: undefined }
      open.routes.add(wish)
      this.#doors.set(door.id, open)
      this.#usersOf.set(door.secret, (this.#usersOf.get(door.secret) ?? new Set()).add(wish))
      this.#secrets.follow(door.secret)
      this.#routes.set(wish, { rules, text })
    } else {
      this.#routes.delete(wish)
      this.#ids.forget(wish)
    }
    if (before !== undefined) this.#leave(wish, before.rules.door, rules?.door)
  }

  /** Undefined: nobody has to log in. What the data plane remembers of people is of one id: another Secret or other rules are another one. */
  check(wish: string): LoginCheck | undefined {
    const route = this.#routes.get(wish)
    if (route === undefined) return undefined
    const { door } = route.rules
    const read = this.#secrets.get(door.secret)
    if (read === undefined) return 'waiting'
    if ('problem' in read) return { problem: `the Secret ${door.secret} is not used: ${read.problem}` }
    return { id: this.#ids.idFor(wish, route.rules, [route.text, read]), door: door.id }
  }

  /** Undefined: it cannot be said now. */
  async judge(question: LoginQuestion): Promise<LoginAnswer | undefined> {
    const rules = this.#ids.get(question.id)
    const keeper = rules === undefined ? undefined : this.#keeperOf(rules.door)
    if (rules === undefined || keeper === undefined) return undefined
    using within = this.#scope.child({ timeoutMs: WITHIN_MS })
    return await keeper.answer(within, question, rules)
  }

  lookAgain(): void {
    this.#secrets.lookAgain()
  }

  settled(): Promise<void> {
    return this.#secrets.settled()
  }

  #keeperOf(door: Door): DoorKeeper | undefined {
    const open = this.#doors.get(door.id)
    const read = this.#secrets.get(door.secret)
    if (open === undefined || read === undefined || 'problem' in read) return undefined
    open.keeper ??= new DoorKeeper(door, read, {
      sealer: sealerFor(this.#options.key, JSON.stringify([door.id, read.clientSecret])),
      ask: this.#options.ask,
      ended: this.#options.ended,
      claims: () => new Set([...open.routes].flatMap((wish) => claimsOf(this.#routes.get(wish)?.rules ?? NOTHING))),
    })
    return open.keeper
  }

  #doorOf(wish: string): { keeper: DoorKeeper | undefined } {
    return this.#doors.get(this.#routes.get(wish)?.rules.door.id ?? '') ?? { keeper: undefined }
  }

  #leave(wish: string, was: Door, is: Door | undefined): void {
    if (was.id !== is?.id) {
      const open = this.#doors.get(was.id)
      open?.routes.delete(wish)
      if (open?.routes.size === 0) this.#doors.delete(was.id)
    }
    if (was.secret === is?.secret) return
    const users = this.#usersOf.get(was.secret)
    users?.delete(wish)
    if (users?.size !== 0) return
    this.#usersOf.delete(was.secret)
    this.#secrets.leave(was.secret)
  }
}

const NOTHING: Omit<LoginRules, 'door'> = { require: [], headers: [], emails: [] }
