import { SampanError } from '#base'

/** The revision asked for is older than the history. Read again from the newest. */
export class Compacted extends SampanError {
  readonly code = 'STORE_COMPACTED'
  readonly compactedRevision: number
  constructor(compactedRevision: number) {
    super(`the history before revision ${compactedRevision} has been compacted`)
    this.compactedRevision = compactedRevision
  }
}

export class FutureRevision extends SampanError {
  readonly code = 'STORE_FUTURE_REVISION'
  readonly revision: number
  constructor(asked: number, revision: number) {
    super(`revision ${asked} has not been reached, the newest is ${revision}`)
    this.revision = revision
  }
}

export class LeaseNotFound extends SampanError {
  readonly code = 'STORE_LEASE_NOT_FOUND'
  constructor(lease: number) {
    super(`lease ${lease} does not exist`)
  }
}

/** The disk refused. The write did not happen, and does not happen later. */
export class StoreFailed extends SampanError {
  readonly code = 'STORE_FAILED'
  constructor(cause: unknown) {
    super(`the store could not write: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The store is not there. Nothing has been read, and what was to be written has not been and will not be. */
export class StoreUnavailable extends SampanError {
  readonly code = 'STORE_UNAVAILABLE'
  constructor(cause: unknown) {
    super(`the store cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The connection to the store broke, or its time was over, while a write was under way: it may have happened, or may still happen. */
export class StoreUncertain extends SampanError {
  readonly code = 'STORE_UNCERTAIN'
  constructor(cause: unknown) {
    super(`it is not known whether the store has written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

export class StoreClosed extends SampanError {
  readonly code = 'STORE_CLOSED'
  constructor() {
    super('the store is closed')
  }
}

/** The call itself is wrong: an empty key, a key twice in one transaction, a place outside of the prefix. Nothing was done. */
export class InvalidStoreRequest extends SampanError {
  readonly code = 'STORE_INVALID_REQUEST'
}
