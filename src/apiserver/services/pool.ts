import type { Clock, Random } from '#base'

/** What of a sort there is to have, each owned by at most one object: the ports of a range, or its addresses. */
export interface Pool<T> {
  contains(one: T): boolean
  isTaken(one: T): boolean
  /** For what is stored already. */
  note(one: T, owner: string): void
  take(one: T, owner: string): void
  free(one: T, owner: string): void
  /** A free one that `also` does not refuse; undefined when there is none. */
  choose(also?: (one: T) => boolean): T | undefined
  /** How many are taken now. */
  readonly taken: number
  readonly size: number
  /** How many were asked for by name, and how many chosen. */
  readonly given: { static: number; dynamic: number }
}

/**
 * Numbers of a range, each owned by at most one object. What is stored is the truth: an entry here counts while its write may be under way, or while the
 * owner's stored object holds the number. So nothing has to be given back when an object changes, and a restart only needs the objects.
 */
export class NumberPool implements Pool<number> {
  readonly first: number
  readonly size: number
  /** The first numbers are given out by themselves only when all others are taken: people choose from them. */
  readonly #reserved: number
  readonly #clock: Clock
  readonly #random: Random
  readonly #holds: (owner: string, number: number) => boolean
  readonly given = { static: 0, dynamic: 0 }
  readonly #entries = new Map<number, { readonly owner: string; untilMs: number }>()

  constructor(options: {
    readonly first: number
    readonly size: number
    readonly reserved: number
    readonly clock: Clock
    readonly random: Random
    /** Whether the stored object of this key has the number. */
    readonly holds: (owner: string, number: number) => boolean
  }) {
    this.first = options.first
    this.size = options.size
    this.#reserved = options.reserved
    this.#clock = options.clock
    this.#random = options.random
    this.#holds = options.holds
  }

  contains(number: number): boolean {
    return number >= this.first && number < this.first + this.size
  }

  isTaken(number: number): boolean {
    const entry = this.#entries.get(number)
    if (entry === undefined) return false
    if (entry.untilMs > this.#clock.monotonic() || this.#holds(entry.owner, number)) return true
    this.#entries.delete(number)
    return false
  }

  get taken(): number {
    return [...this.#entries.keys()].filter((number) => this.isTaken(number)).length
  }

  note(number: number, owner: string): void {
    this.#entries.set(number, { owner, untilMs: 0 })
  }

  take(number: number, owner: string): void {
    this.#entries.set(number, { owner, untilMs: this.#clock.monotonic() + LONGEST_WRITE_MS })
  }

  free(number: number, owner: string): void {
    if (this.#entries.get(number)?.owner === owner) this.#entries.delete(number)
  }

  choose(also: (number: number) => boolean = () => true): number | undefined {
    const open = this.size - this.#reserved
    return this.#search(this.first + this.#reserved, open, also) ?? this.#search(this.first, this.#reserved, also)
  }

  #search(from: number, count: number, also: (number: number) => boolean): number | undefined {
    const start = Math.floor(this.#random.float() * count)
    for (let i = 0; i < count; i++) {
      const number = from + ((start + i) % count)
      if (!this.isTaken(number) && also(number)) return number
    }
    return undefined
  }
}

/** No write takes longer: by then it is stored or has failed. */
const LONGEST_WRITE_MS = 60_000

/** How many numbers at the beginning of a range people may count on: a sixteenth (of addresses) or a thirty-second (of ports), within bounds. */
export function reservedPart(size: number, share: number, most: number): number {
  const fewest = 16
  return size < fewest * 2 ? 0 : Math.min(Math.max(fewest, Math.floor(size / share)), most)
}
