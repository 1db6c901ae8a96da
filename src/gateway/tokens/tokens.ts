import type { Scope } from '#base'
import type { Client } from '#client'
import { type TokenVerdict, checkToken } from './check-token.ts'
import { KeySources, type KeySourcesOptions } from './key-sources.ts'
import { RouteIds } from './route-ids.ts'
import { type TokenRules, placeKey } from './token-rules.ts'

/** How a route's tokens are looked at; `waiting`: its keys are not there yet, and nobody passes before they are. */
export type TokenCheck = { readonly id: string; readonly realm: string } | { readonly problem: string } | 'waiting'

interface Route {
  readonly rules: TokenRules
  readonly text: string
}

/** What tokens routes want, and what each token is worth. */
export class Tokens {
  readonly #clock: Scope['clock']
  readonly #sources: KeySources
  readonly #routes = new Map<string, Route>()
  readonly #ids = new RouteIds<TokenRules>()
  readonly #users = new Map<string, Set<string>>()
  readonly #onChange: (wishes: ReadonlySet<string>) => void

  /** `onChange`: these are to be looked at again, their keys are others now. */
  constructor(scope: Scope, client: Client, onChange: (wishes: ReadonlySet<string>) => void, options?: KeySourcesOptions) {
    this.#clock = scope.clock
    this.#onChange = onChange
    this.#sources = new KeySources(scope, client, (place) => this.#onChange(this.#users.get(place) ?? new Set()), options)
  }

  /** From now on this is what the wish wants of tokens; undefined: nothing. */
  name(wish: string, rules: TokenRules | undefined): void {
    const before = this.#routes.get(wish)
    const text = rules === undefined ? undefined : JSON.stringify(rules)
    if (before?.text === text) return
    const [was, is] = [before?.rules.keys, rules?.keys]
    if (rules === undefined || text === undefined) {
      this.#routes.delete(wish)
      this.#ids.forget(wish)
    } else this.#routes.set(wish, { rules, text })
    if (is !== undefined) {
      this.#users.set(placeKey(is), (this.#users.get(placeKey(is)) ?? new Set()).add(wish))
      this.#sources.follow(is)
    }
    if (was === undefined || (is !== undefined && placeKey(is) === placeKey(was))) return
    const users = this.#users.get(placeKey(was))
    users?.delete(wish)
    if (users?.size !== 0) return
    this.#users.delete(placeKey(was))
    this.#sources.leave(was)
  }

  /** Undefined: the wish wants none. What the data plane remembers of tokens is of one id: others keys or rules are another one. */
  check(wish: string): TokenCheck | undefined {
    const route = this.#routes.get(wish)
    if (route === undefined) return undefined
    const read = this.#sources.get(route.rules.keys)
    if (read === undefined) return 'waiting'
    if ('problem' in read) return { problem: `the keys of tokens cannot be had: ${read.problem}` }
    return { id: this.#ids.idFor(wish, route.rules, [route.text, read.fingerprint]), realm: route.rules.realm }
  }

  /** Undefined: it cannot be said now. */
  async judge(id: string, token: string): Promise<Exclude<TokenVerdict, { kind: 'unknown-key' }> | undefined> {
    const rules = this.#ids.get(id)
    if (rules === undefined) return undefined
    const read = this.#sources.get(rules.keys)
    if (read === undefined || 'problem' in read) return undefined
    const verdict = checkToken(token, rules, read, this.#clock.now())
    if (verdict.kind !== 'unknown-key') return verdict
    const newest = await this.#sources.newest(rules.keys)
    const again = newest === undefined ? verdict : checkToken(token, rules, newest, this.#clock.now())
    return again.kind === 'unknown-key' ? { kind: 'refused', status: 401, why: 'nobody knows its key' } : again
  }

  lookAgain(): void {
    this.#sources.lookAgain()
  }

  settled(): Promise<void> {
    return this.#sources.settled()
  }
}
