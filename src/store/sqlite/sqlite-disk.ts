import { statSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Batch } from '../mvcc/batch.ts'
import type { Disk, LeaseDescription, StoredRow, StoredState } from '../mvcc/disk.ts'
import { orderedKey, originalKey } from '../mvcc/keys.ts'
import { PAGE_BYTES, readNumber } from './open-file.ts'
import { STATE } from './schema.ts'

const EMPTY = new Uint8Array(0)
const SHRINK_STEP_PAGES = 1024
/** Less than this, and less than this part of the file, stays for the next burst of writes. */
const SPARE_PAGES = 512
const SPARE_PART = 0.125

/** The rows in a SQLite file, which this owns: `close` closes it. */
export class SqliteDisk implements Disk {
  readonly #database: DatabaseSync
  readonly #path: string
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
  /** A refused write may have left its frames in the write-ahead log. */
  #mustCleanLog = false
  #unusedPages = 0

  constructor(database: DatabaseSync, path: string) {
    this.#database = database
    this.#path = path
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
  }

  loadState(): StoredState {
    const state = new Map(
      this.#database
        .prepare('SELECT name, value FROM state')
        .all()
        .map((row) => [row['name'], Number(row['value'])]),
    )
    const leases = this.#database.prepare('SELECT id, ttl_ms, expires_at_ms FROM lease').all()
    return {
      compactedRevision: state.get(STATE.compactedRevision) ?? 0,
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

  write(batch: Batch, leases: LeaseDescription): void {
    this.#cleanLog()
    this.#inTransaction(() => {
      for (const { row, record, revision, createRevision, version, lease, deleted, value } of batch.versions) {
        this.#insertEntry.run(row, originalKey(record.key), revision, createRevision, version, lease, deleted ? 1 : 0)
        if (!deleted) this.#insertContent.run(row, value ?? EMPTY)
      }
      for (const { kind, lease } of batch.leases) {
        if (kind === 'revoke') this.#deleteLease.run(lease.id)
        else {
          const { id, ttlMs, expiresAtMs } = leases.describe(lease)
          this.#setLease.run(id, ttlMs, expiresAtMs)
        }
      }
      if (batch.leases.length > 0) this.#setState.run(STATE.lastLease, leases.lastLease)
      if (batch.compactedRevision !== undefined) this.#setState.run(STATE.compactedRevision, batch.compactedRevision)
    })
  }

  readValue(row: number): Uint8Array {
    const columns: unknown = this.#readContent.get(row)
    if (!Array.isArray(columns)) throw new Error(`${this.#path} is damaged: the value of row ${row} is missing`)
    const value: unknown = columns[0]
    // SQLite binds an empty array as NULL.
    return value instanceof Uint8Array ? value : EMPTY
  }

  remove(rows: readonly number[]): void {
    this.#cleanLog()
    this.#inTransaction(() => {
      for (const row of rows) {
        this.#deleteEntry.run(row)
        this.#deleteContent.run(row)
      }
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
    this.#cleanLog()
    this.#database.exec(`PRAGMA incremental_vacuum(${step})`)
    this.#unusedPages -= step
    return this.#unusedPages > 0
  }

  sizeBytes(): number {
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })
    return readNumber(this.#database, 'PRAGMA page_count') * PAGE_BYTES + (log?.size ?? 0)
  }

  close(): void {
    this.#database.close()
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

  /**
   * A transaction whose sync failed may lie complete in the write-ahead log, past the end that SQLite counts with. It would come
   * back after a crash; carrying the log over and cutting it off makes sure that it does not. Until that works, nothing is written.
   */
  #cleanLog(): void {
    if (!this.#mustCleanLog) return
    const row = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    if (row?.['busy'] !== 0) throw new Error('the write-ahead log could not be cut off')
    this.#mustCleanLog = false
  }
}

type EntryColumns = [row: number, key: string, revision: number, createRevision: number, version: number, lease: number, deleted: number]
