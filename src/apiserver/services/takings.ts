import type { Scope } from '#base'
import { type core, keyOf, statusError } from '#api'
import type { Undo } from '../registry/core.ts'
import type { Claims } from './claims.ts'
import type { Pool } from './pool.ts'

/** Where ports or addresses come from. */
export interface Source<T> {
  /** In the order in which they are tried. */
  pools(): readonly Pool<T>[]
  /** Absent where this server is the only one. */
  readonly claims: Claims<T> | undefined
  /** What a dry run shows as given out, which nobody will get; `asked` is what it has asked for or shown before. */
  shown(asked: readonly T[]): T | undefined
}

/** One that a draft has taken in this process, and that is to be claimed before the draft is stored. */
interface Taking {
  readonly claim: (scope: Scope) => Promise<boolean>
  readonly release: (scope: Scope) => Promise<void>
  /** Another server was faster: throws, or takes another one. */
  readonly lost: () => void
}

/** What one write takes; all is given back together when it does not happen. A dry run takes nothing. */
export class Takings {
  readonly #service: core.Service
  readonly #dryRun: boolean
  readonly #takings: Taking[] = []
  readonly #undo: Undo[] = []
  /** What a dry run has asked for or shown. */
  readonly #asked = new Map<unknown, unknown[]>()

  constructor(service: core.Service, dryRun: boolean) {
    this.#service = service
    this.#dryRun = dryRun
  }

  /** The one that was asked for. `refuse` throws what the sender is told when somebody has it. */
  ask<T>(source: Source<T>, one: T, refuse: () => never): void {
    const pool = poolOf(source, one)
    if (pool?.isTaken(one) || source.claims?.isClaimed(one)) refuse()
    if (this.#dryRun) {
      const asked = this.#askedOf(source)
      if (asked.includes(one)) refuse()
      asked.push(one)
    } else this.#take(source, pool, one, refuse, 'static')
  }

  /** One that nobody has and that `also` does not refuse. `put` is told which one; again when another server was faster. */
  choose<T>(source: Source<T>, what: string, put: (one: T) => void, also?: (one: T) => boolean): void {
    if (this.#dryRun) {
      const asked = this.#askedOf(source)
      const one = source.shown(asked) ?? free(source, what, also)[0]
      asked.push(one)
      put(one)
      return
    }
    const choose = (): void => {
      const [one, pool] = free(source, what, also)
      put(one)
      this.#take(source, pool, one, choose, 'dynamic')
    }
    choose()
  }

  #askedOf<T>(source: Source<T>): T[] {
    const known = this.#asked.get(source)
    if (known !== undefined) return known as T[]
    const made: T[] = []
    this.#asked.set(source, made)
    return made
  }

  #take<T>({ claims }: Source<T>, pool: Pool<T> | undefined, one: T, lost: () => void, by: 'static' | 'dynamic'): void {
    if (pool !== undefined) pool.given[by]++
    const owner = keyOf(this.#service)
    pool?.take(one, owner)
    this.#undo.push(() => pool?.free(one, owner))
    if (claims === undefined) return
    this.#takings.push({
      claim: (scope) => claims.claim(scope, one, this.#service),
      release: (scope) => claims.release(scope, one, this.#service),
      lost,
    })
  }

  /** Claims what has been taken. Throws `StatusError`. */
  async claim(scope: Scope): Promise<void> {
    for (let next = this.#takings.shift(); next !== undefined; next = this.#takings.shift()) {
      const { claim, release, lost } = next
      if (await claim(scope)) this.#undo.push(() => release(scope))
      else lost()
    }
  }

  async undo(): Promise<void> {
    for (let last = this.#undo.pop(); last !== undefined; last = this.#undo.pop()) await last()
  }
}

export function poolOf<T>({ pools }: Source<T>, one: T): Pool<T> | undefined {
  return pools().find((pool) => pool.contains(one))
}

function free<T>({ pools, claims }: Source<T>, what: string, also: (one: T) => boolean = () => true): readonly [T, Pool<T>] {
  for (const pool of pools()) {
    const one = pool.choose((candidate) => also(candidate) && claims?.isClaimed(candidate) !== true)
    if (one !== undefined) return [one, pool]
  }
  throw statusError.internal(`failed to allocate a ${what}: range is full`)
}
