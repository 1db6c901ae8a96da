import { type Scope, messageOf } from '#base'
import type { Places } from '../haproxy/places.ts'
import { Conversation } from '../haproxy/runtime-api.ts'

const AGAIN_MS = 200

/**
 * Keeps the data plane's map of policies as it is wanted, beside all other changes: they may be thousands, and a breaker opens now. Its keys are of nobody else.
 */
export class PolicyMap {
  readonly #places: Places
  readonly #conversation: Conversation
  readonly #wanted: () => ReadonlyMap<string, string>
  readonly #scope: Scope
  readonly #onTold: () => void
  #told: ReadonlyMap<string, string> = new Map()
  #serves = false
  #isBusy = false
  #isWanted = false

  constructor(scope: Scope, places: Places, wanted: () => ReadonlyMap<string, string>, onTold: () => void) {
    this.#scope = scope
    this.#onTold = onTold
    this.#places = places
    this.#wanted = wanted
    this.#conversation = new Conversation(places.socket)
  }

  /** Something is wanted that the data plane does not know yet; `onTold` says when it does. */
  get isBehind(): boolean {
    return this.#isBusy || this.#isWanted
  }

  /** A process serves that has started with these. */
  follow(told: ReadonlyMap<string, string>): void {
    this.#conversation.close()
    this.#serves = true
    this.#told = told
    this.changed()
  }

  /** Tells the data plane soon; never waits. */
  changed(): void {
    this.#isWanted = true
    if (!this.#isBusy && this.#serves) void this.#tell(this.#scope)
  }

  close(): void {
    this.#serves = false
    this.#conversation.close()
  }

  async #tell(scope: Scope): Promise<void> {
    this.#isBusy = true
    while (this.#isWanted && this.#serves && !scope.signal.aborted) {
      this.#isWanted = false
      const told = this.#told
      const wanted = new Map(this.#wanted())
      const puts = [...wanted].filter(([key, text]) => told.get(key) !== text)
      const gone = [...told.keys()].filter((key) => !wanted.has(key))
      try {
        await this.#put(scope, puts)
        await this.#conversation.ask(
          scope,
          gone.map((key) => `del map ${this.#places.policies} ${key}`),
        )
        // Another process may have come meanwhile, which is told by whoever followed it.
        if (this.#told === told) this.#told = wanted
      } catch (error) {
        if (scope.signal.aborted) break
        scope.log.warn('a policy could not be told, once more', { error: messageOf(error) })
        this.#isWanted = true
        await scope.sleep(AGAIN_MS).catch(() => undefined)
      }
    }
    this.#isBusy = false
    if (!this.#isWanted) this.#onTold()
  }

  /** One that is there is changed, any other is added: whatever was told before. */
  async #put(scope: Scope, puts: readonly (readonly [string, string])[]): Promise<void> {
    const line = (verb: 'set' | 'add', [key, text]: readonly [string, string]): string =>
      `${verb} map ${this.#places.policies} ${key} ${text}`
    const answers = await this.#conversation.ask(
      scope,
      puts.map((put) => line('set', put)),
    )
    const absent = puts.filter((_, at) => (answers[at] ?? '').trim() !== '')
    const added = await this.#conversation.ask(
      scope,
      absent.map((put) => line('add', put)),
    )
    for (const answer of added) if (answer.trim() !== '') throw new Error(`HAProxy answered ${JSON.stringify(answer.trim().slice(0, 120))}`)
  }
}
