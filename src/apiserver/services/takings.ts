import type { Scope } from '#base'
import { type core, keyOf, statusError } from '#api'
import type { Undo } from '../registry/core.ts'
import type { Claims } from './claims.ts'
import type { NumberPool } from './pool.ts'

/** Where numbers of one sort come from. */
export interface Numbers {
  /** In the order in which they are tried. */
  pools(): readonly NumberPool[]
  /** Absent where this server is the only one. */
  readonly claims: Claims | undefined
}

/** A number for a draft: taken in this process, and to be claimed before the draft is stored. */
interface Taking {
  readonly numbers: Numbers
  readonly number: number
  /** Another server was faster: throws, or takes another number. */
  readonly lost: () => void
}

/** The numbers that one write takes; all are given back together when it does not happen. A dry run takes nothing. */
export class Takings {
  readonly #service: core.Service
  readonly #dryRun: boolean
  readonly #takings: Taking[] = []
  readonly #undo: Undo[] = []

  constructor(service: core.Service, dryRun: boolean) {
    this.#service = service
    this.#dryRun = dryRun
  }

  /** The number that was asked for. `refuse` throws what the sender is told when somebody has it. */
  ask(numbers: Numbers, number: number, refuse: () => never): void {
    const pool = poolOf(numbers, number)
    if (pool?.isTaken(number) || numbers.claims?.isClaimed(number)) refuse()
    this.#take(pool, { numbers, number, lost: refuse })
  }

  /** A number that nobody has and that `also` does not refuse. `put` is told which one; again when another server was faster. */
  choose(numbers: Numbers, what: string, put: (number: number) => void, also?: (number: number) => boolean): void {
    const choose = (): void => {
      const [number, pool] = free(numbers, what, also)
      put(number)
      this.#take(pool, { numbers, number, lost: choose })
    }
    choose()
  }

  #take(pool: NumberPool | undefined, taking: Taking): void {
    if (this.#dryRun) return
    const owner = keyOf(this.#service)
    pool?.take(taking.number, owner)
    this.#undo.push(() => pool?.free(taking.number, owner))
    this.#takings.push(taking)
  }

  /** Claims what has been taken. Throws `StatusError`. */
  async claim(scope: Scope): Promise<void> {
    for (let next = this.#takings.shift(); next !== undefined; next = this.#takings.shift()) {
      const { numbers, number, lost } = next
      const { claims } = numbers
      if (claims === undefined) continue
      if (await claims.claim(scope, number, this.#service)) this.#undo.push(() => claims.release(scope, number, this.#service))
      else lost()
    }
  }

  async undo(): Promise<void> {
    for (let last = this.#undo.pop(); last !== undefined; last = this.#undo.pop()) await last()
  }
}

export function poolOf({ pools }: Numbers, number: number): NumberPool | undefined {
  return pools().find((pool) => pool.contains(number))
}

function free({ pools, claims }: Numbers, what: string, also: (number: number) => boolean = () => true): readonly [number, NumberPool] {
  for (const pool of pools()) {
    const number = pool.choose((one) => also(one) && claims?.isClaimed(one) !== true)
    if (number !== undefined) return [number, pool]
  }
  throw statusError.internal(`failed to allocate a ${what}: range is full`)
}
