import { closeSync, fdatasync, fdatasyncSync, statSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Batch } from '../mvcc/batch.ts'
import type { Disk, LeaseDescription, StoredRow, StoredState } from '../mvcc/disk.ts'
import { orderedKey, originalKey } from '../mvcc/keys.ts'
import type { Lease } from '../mvcc/leases.ts'
import { type OpenFile, PAGE_BYTES, readNumber } from './open-file.ts'
import { STATE } from './schema.ts'

const EMPTY = new Uint8Array(0)
const SHRINK_STEP_PAGES = 1024
/** Less than this, and less than this part of the file, stays for the next burst of writes. */
const SPARE_PAGES = 512
const SPARE_PART = 0.125

/** Makes durable what has been written to an open file. */
export type SyncFile = (descriptor: number) => Promise<void>

/** The thread that waits for the disk is none of the program's. */
export function syncData(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => fdatasync(descriptor, (error) => (error === null ? resolve() : reject(error))))
}

/**
 * The rows in a SQLite file, which this owns: `close` closes it.
 *
 * The disk is waited for beside the event loop, so SQLite, which would wait in it, is told to sync nothing (`synchronous = OFF`), and
 * it is done here in the order in which SQLite does it: the write-ahead log after each transaction, before it is answered; the file
 * after the log has been carried over to it, before anything else is written, for that begins the log anew.
 */
export class SqliteDisk implements Disk {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #file: number
  readonly #log: number
  readonly #sync: SyncFile
  readonly #checkpointPages: number
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #insertEntry: StatementSync
  readonly #insertContent: StatementSync
  readonly #deleteEntry: StatementSync
  readonly #deleteContent: StatementSync
  readonly #readContent: StatementSync
  readonly #setLease: StatementSync
  readonly #deleteLease: StatementSync
  readonly #setState: StatementSync
  readonly #lengthOfLog: StatementSync
  readonly #checkpoint: StatementSync
  /** A refused write may have left its frames in the write-ahead log. */
  #mustCleanLog = false
  /** What stands in the file although the disk could not make sure of it. */
  #unsure: { readonly batch: Batch; readonly leases: LeaseDescription } | undefined
  /** The log has been carried over, and the disk could not make sure of the file. */
  #mustSyncFile = false
  #compactedRevision = 0
  #unusedPages = 0

  constructor({ database, path, file, log }: OpenFile, checkpointBytes: number, sync: SyncFile = syncData) {
    this.#database = database
    this.#path = path
    this.#file = file
    this.#log = log
    this.#sync = sync
    this.#checkpointPages = Math.ceil(checkpointBytes / PAGE_BYTES)
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#insertEntry = database.prepare('INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#insertContent = database.prepare('INSERT INTO content VALUES (?, ?)')
    this.#deleteEntry = database.prepare('DELETE FROM entry WHERE row = ?')
    this.#deleteContent = database.prepare('DELETE FROM content WHERE row = ?')
    this.#readContent = database.prepare('SELECT value FROM content WHERE row = ?')
    this.#readContent.setReturnArrays(true)
    this.#setLease = database.prepare('INSERT OR REPLACE INTO lease VALUES (?, ?, ?)')
    this.#deleteLease = database.prepare('DELETE FROM lease WHERE id = ?')
    this.#setState = database.prepare('INSERT OR REPLACE INTO state VALUES (?, ?)')
    this.#lengthOfLog = database.prepare('PRAGMA wal_checkpoint(NOOP)')
    this.#checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
    database.exec('PRAGMA synchronous = OFF')
  }

  loadState(): StoredState {
    const state = new Map(
      this.#database
        .prepare('SELECT name, value FROM state')
        .all()
        .map((row) => [row['name'], Number(row['value'])]),
    )
    const leases = this.#database.prepare('SELECT id, ttl_ms, expires_at_ms FROM lease').all()
    this.#compactedRevision = state.get(STATE.compactedRevision) ?? 0
    return {
      compactedRevision: this.#compactedRevision,
      lastLease: state.get(STATE.lastLease) ?? 0,
      leases: leases.map((row) => ({
        id: Number(row['id']),
        ttlMs: Number(row['ttl_ms']),
        expiresAtMs: Number(row['expires_at_ms']),
      })),
    }
  }

  loadRows(each: (row: StoredRow) => void): void {
    const statement = this.#database.prepare('SELECT row, key, revision, create_revision, version, lease, deleted FROM entry ORDER BY row')
    statement.setReturnArrays(true)
    for (const columns of statement.iterate() as Iterable<unknown>) {
      const [row, key, revision, createRevision, version, lease, deleted] = columns as EntryColumns
      each({ row, key: orderedKey(key), revision, createRevision, version, lease, deleted: deleted === 1 })
    }
  }

  write(batch: Batch, leases: LeaseDescription): Promise<void> {
    this.#mend()
    this.#inTransaction(() => {
      for (const { row, record, revision, createRevision, version, lease, deleted, value } of batch.versions) {
        this.#insertEntry.run(row, originalKey(record.key), revision, createRevision, version, lease, deleted ? 1 : 0)
        if (!deleted) this.#insertContent.run(row, value ?? EMPTY)
      }
      for (const { kind, lease } of batch.leases) this.#writeLease(kind === 'revoke', lease, leases)
      if (batch.leases.length > 0) this.#setState.run(STATE.lastLease, leases.lastLease)
      if (batch.compactedRevision !== undefined) this.#setState.run(STATE.compactedRevision, batch.compactedRevision)
    })
    return this.#makeSure(batch, leases)
  }

  tidy(): Promise<void> | undefined {
    try {
      if (Number(this.#lengthOfLog.get()?.['log']) < this.#checkpointPages) return undefined
      this.#checkpoint.run()
    } catch {
      // What is not carried over stays in the log, until it can be.
      return undefined
    }
    this.#mustSyncFile = true
    return this.#sync(this.#file).then(
      () => void (this.#mustSyncFile = false),
      () => undefined,
    )
  }

  readValue(row: number): Uint8Array {
    const columns: unknown = this.#readContent.get(row)
    if (!Array.isArray(columns)) throw new Error(`${this.#path} is damaged: the value of row ${row} is missing`)
    const value: unknown = columns[0]
    // SQLite binds an empty array as NULL.
    return value instanceof Uint8Array ? value : EMPTY
  }

  remove(rows: readonly number[]): void {
    this.#mend()
    this.#inTransaction(() => {
      for (const row of rows) this.#removeRow(row)
    })
  }

  markUnused(): void {
    const free = readNumber(this.#database, 'PRAGMA freelist_count')
    const spare = Math.max(SPARE_PAGES, readNumber(this.#database, 'PRAGMA page_count') * SPARE_PART)
    this.#unusedPages = free > spare ? free : 0
  }

  shrink(): boolean {
    if (this.#unusedPages <= 0) return false
    const step = Math.min(this.#unusedPages, SHRINK_STEP_PAGES)
    this.#mend()
    this.#database.exec(`PRAGMA incremental_vacuum(${step})`)
    this.#unusedPages -= step
    return this.#unusedPages > 0
  }

  sizeBytes(): number {
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })
    return readNumber(this.#database, 'PRAGMA page_count') * PAGE_BYTES + (log?.size ?? 0)
  }

  close(): void {
    this.#syncFile()
    this.#database.exec('PRAGMA synchronous = FULL')
    this.#database.close()
    closeSync(this.#log)
    closeSync(this.#file)
  }

  async #makeSure(batch: Batch, leases: LeaseDescription): Promise<void> {
    try {
      await this.#sync(this.#log)
    } catch (error) {
      this.#unsure = { batch, leases }
      throw error
    }
    this.#compactedRevision = batch.compactedRevision ?? this.#compactedRevision
  }

  #writeLease(isGone: boolean, lease: Lease, leases: LeaseDescription): void {
    if (isGone) {
      this.#deleteLease.run(lease.id)
      return
    }
    const { id, ttlMs, expiresAtMs } = leases.describe(lease)
    this.#setLease.run(id, ttlMs, expiresAtMs)
  }

  #removeRow(row: number): void {
    this.#deleteEntry.run(row)
    this.#deleteContent.run(row)
  }

  #inTransaction(work: () => void): void {
    this.#begin.run()
    try {
      work()
      this.#commit.run()
    } catch (error) {
      this.#mustCleanLog = true
      // Some errors have rolled back already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** Brings the file back to what was promised, after the disk has refused something. Until that works, nothing is written. */
  #mend(): void {
    this.#syncFile()
    if (this.#unsure !== undefined) {
      this.#undo(this.#unsure)
      this.#unsure = undefined
      this.#mustCleanLog = true
    }
    if (this.#mustCleanLog) this.#cleanLog()
  }

  #syncFile(): void {
    if (!this.#mustSyncFile) return
    fdatasyncSync(this.#file)
    this.#mustSyncFile = false
  }

  /** By now the batch has been taken back in memory, so its leases are described as they were before it. */
  #undo({ batch, leases }: { readonly batch: Batch; readonly leases: LeaseDescription }): void {
    this.#inTransaction(() => {
      for (const { row } of batch.versions) this.#removeRow(row)
      for (const { kind, lease } of batch.leases.toReversed()) this.#writeLease(kind === 'grant', lease, leases)
      this.#setState.run(STATE.compactedRevision, this.#compactedRevision)
    })
  }

  /**
   * A transaction that was refused may lie complete in the write-ahead log, past the end that SQLite counts with. It would come
   * back after a crash; carrying the log over and cutting it off makes sure that it does not. After a sync that failed the kernel
   * takes for written what may not be: what is carried over is written again.
   */
  #cleanLog(): void {
    this.#database.exec('PRAGMA synchronous = FULL')
    const row = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    this.#database.exec('PRAGMA synchronous = OFF')
    if (row?.['busy'] !== 0) throw new Error('the write-ahead log could not be cut off')
    this.#mustCleanLog = false
  }
}

type EntryColumns = [row: number, key: string, revision: number, createRevision: number, version: number, lease: number, deleted: number]
