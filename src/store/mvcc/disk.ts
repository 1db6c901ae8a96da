import type { LeaseId } from '../engine.ts'
import type { Batch } from './batch.ts'
import type { OrderedKey } from './keys.ts'
import type { Lease, StoredLease } from './leases.ts'

/** Where an engine keeps what must survive. One writer, which only reads while it waits for `write` or `tidy`. */
export interface Disk {
  loadState(): StoredState
  /** Everything but the values, in the order in which it was written. */
  loadRows(each: (row: StoredRow) => void): void
  /**
   * Writes all of a batch or nothing. What is returned resolves when it is durable; nothing, if it is already. After a throw
   * nothing of it is there, now or after a restart. A rejection says that the disk could not make sure: nothing of it is there
   * from the next call on, which works as soon as the disk does; should the process end before that, it may come back.
   */
  write(batch: Batch, describe: LeaseDescription): Promise<void> | undefined
  /** Work of the disk's own after a write, for which the next one waits. Never rejects. Nothing, if there is none. */
  tidy(): Promise<void> | undefined
  readValue(row: number): Uint8Array
  /** Deletes rows; all or none, durable before later writes are. */
  remove(rows: readonly number[]): void
  /** Says that a compaction begins: room that has not been used since the last one is room too much. */
  markUnused(): void
  /** Gives back a bounded part of the room that was too much. Returns whether there is more. */
  shrink(): boolean
  sizeBytes(): number
  close(): void
}

/** How the leases of a batch are written down. */
export interface LeaseDescription {
  readonly lastLease: LeaseId
  describe(lease: Lease): StoredLease
}

export interface StoredRow {
  readonly row: number
  readonly key: OrderedKey
  readonly revision: number
  readonly createRevision: number
  readonly version: number
  readonly lease: number
  readonly deleted: boolean
}

export interface StoredState {
  readonly compactedRevision: number
  readonly leases: readonly StoredLease[]
  readonly lastLease: LeaseId
}
