import type { Clock } from '#base'
import type { LeaseId } from '../engine.ts'
import { InvalidStoreRequest, LeaseNotFound } from '../errors.ts'
import type { KeyRecord, Version } from './version.ts'

export interface Lease {
  readonly id: LeaseId
  readonly ttlMs: number
  /** By the monotonic clock. */
  deadlineMs: number
  /** The keys whose newest version carries this lease. */
  readonly keys: Set<KeyRecord>
}

/** A lease as it survives a restart. Times are wall time: the monotonic clock does not survive. */
export interface StoredLease {
  readonly id: LeaseId
  readonly ttlMs: number
  readonly expiresAtMs: number
}

/** What a batch did to a lease, with what is needed to take it back. */
export type LeaseChange =
  | { readonly kind: 'grant'; readonly lease: Lease }
  | { readonly kind: 'renew'; readonly lease: Lease; readonly previousDeadlineMs: number }
  | { readonly kind: 'revoke'; readonly lease: Lease }

/** The leases and the keys attached to them. Lifetimes are counted by the monotonic clock: a wall clock that jumps ends no lease. */
export class Leases {
  readonly #clock: Clock
  readonly #leases = new Map<LeaseId, Lease>()
  #lastId = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The highest id that was ever given out: ids are not used twice, not even after a restart. */
  get lastId(): LeaseId {
    return this.#lastId
  }

  /** Takes over what an earlier run has left. A lease never gets more than its time to live, whatever the wall clock did meanwhile. */
  restore(stored: Iterable<StoredLease>, lastId: LeaseId): void {
    this.#lastId = lastId
    for (const { id, ttlMs, expiresAtMs } of stored) {
      const leftMs = Math.min(Math.max(expiresAtMs - this.#clock.now(), 0), ttlMs)
      this.#leases.set(id, { id, ttlMs, deadlineMs: this.#clock.monotonic() + leftMs, keys: new Set() })
    }
  }

  store(lease: Lease): StoredLease {
    return { id: lease.id, ttlMs: lease.ttlMs, expiresAtMs: Math.round(this.#clock.now() + lease.deadlineMs - this.#clock.monotonic()) }
  }

  get(id: LeaseId): Lease {
    const lease = this.#leases.get(id)
    if (lease === undefined) throw new LeaseNotFound(id)
    return lease
  }

  grant(ttlSeconds: number): LeaseChange {
    if (!(ttlSeconds > 0) || !Number.isFinite(ttlSeconds)) throw new InvalidStoreRequest('a lease needs a positive time to live')
    const ttlMs = Math.ceil(ttlSeconds * 1000)
    const lease: Lease = { id: ++this.#lastId, ttlMs, deadlineMs: this.#clock.monotonic() + ttlMs, keys: new Set() }
    this.#leases.set(lease.id, lease)
    return { kind: 'grant', lease }
  }

  renew(lease: Lease): LeaseChange {
    const previousDeadlineMs = lease.deadlineMs
    lease.deadlineMs = this.#clock.monotonic() + lease.ttlMs
    return { kind: 'renew', lease, previousDeadlineMs }
  }

  /** The caller deletes the attached keys. */
  revoke(lease: Lease): LeaseChange {
    this.#leases.delete(lease.id)
    return { kind: 'revoke', lease }
  }

  takeBack(change: LeaseChange): void {
    if (change.kind === 'grant') this.#leases.delete(change.lease.id)
    else if (change.kind === 'renew') change.lease.deadlineMs = change.previousDeadlineMs
    else this.#leases.set(change.lease.id, change.lease)
  }

  /** The newest version of a key has become another one; either may be absent. */
  move(record: KeyRecord, from: Version | undefined, to: Version | undefined): void {
    const fromLease = from?.lease ?? 0
    const toLease = to?.lease ?? 0
    if (fromLease === toLease) return
    if (fromLease !== 0) this.#leases.get(fromLease)?.keys.delete(record)
    if (toLease !== 0) this.#leases.get(toLease)?.keys.add(record)
  }

  expired(): Lease[] {
    const now = this.#clock.monotonic()
    return [...this.#leases.values()].filter((lease) => lease.deadlineMs <= now)
  }

  /** The monotonic time of the next expiry. */
  nextDeadlineMs(): number | undefined {
    let next: number | undefined
    for (const { deadlineMs } of this.#leases.values()) if (next === undefined || deadlineMs < next) next = deadlineMs
    return next
  }
}
