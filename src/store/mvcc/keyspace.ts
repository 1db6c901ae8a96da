import type { CommitResult, KeyValue, Operation, RangeQuery, RangeResult, StoreEvent, Transaction } from '../engine.ts'
import { Compacted, FutureRevision, InvalidStoreRequest } from '../errors.ts'
import type { Batch } from './batch.ts'
import type { Disk, StoredRow } from './disk.ts'
import { History } from './history.ts'
import { KeyIndex } from './key-index.ts'
import { type OrderedKey, orderedKey, orderedPrefix, originalKey } from './keys.ts'
import type { Lease, Leases } from './leases.ts'
import { RecentValues } from './recent-values.ts'
import { type KeyRecord, type Version, isLive, versionAt } from './version.ts'

const EMPTY = new Uint8Array(0)
/** SQLite's limit is about twice this; etcd's is a hundredth. */
const LARGEST_VALUE_BYTES = 512 * 2 ** 20

/**
 * The keys with their versions in memory; values are read from the disk when asked for.
 *
 * Transactions are applied at once and made visible by `publish`, or taken back by `takeBack`. The engine does one of
 * both before it applies more. Reads, the history and its watches go as far as `revision`: nobody sees what is not durable.
 */
export class Keyspace {
  readonly index = new KeyIndex()
  readonly history = new History()
  readonly leases: Leases
  readonly #disk: Pick<Disk, 'readValue'>
  readonly #recent: RecentValues
  /** Of the newest visible transaction. */
  #revision = 1
  /** Of the newest applied one. */
  #applied = 1
  #compactedRevision = 0
  #lastRow = 0

  constructor(leases: Leases, disk: Pick<Disk, 'readValue'>, recentBytes: number) {
    this.leases = leases
    this.#disk = disk
    this.#recent = new RecentValues(recentBytes)
  }

  get revision(): number {
    return this.#revision
  }

  get compactedRevision(): number {
    return this.#compactedRevision
  }

  restoreRow(row: StoredRow): void {
    this.#push(this.index.findOrAdd(row.key), row, undefined)
    this.#lastRow = row.row
    this.#revision = this.#applied = Math.max(this.#revision, row.revision)
  }

  restoreCompaction(compactedRevision: number): void {
    this.#compactedRevision = compactedRevision
    this.#revision = this.#applied = Math.max(this.#revision, compactedRevision)
  }

  /** Throws before anything has been changed, or changes all. */
  commit(transaction: Transaction, batch: Batch): CommitResult {
    const operations = this.#checked(transaction.operations)
    for (const { key, modRevision } of transaction.compare ?? []) {
      const newest = this.index.find(orderedKey(key))?.newest
      if ((isLive(newest) ? newest.revision : 0) === modRevision) continue
      const otherwise = (transaction.otherwiseGet ?? []).map((wanted) => this.#newestValue(orderedKey(wanted)))
      return { succeeded: false, revision: this.#applied, otherwise }
    }
    const revision = this.#applied + 1
    const before = batch.versions.length
    for (const { key, operation } of operations) {
      if (operation.kind === 'put') this.#put(key, operation.value, operation.lease ?? 0, revision, batch)
      else this.#delete(this.index.find(key), revision, batch)
    }
    if (batch.versions.length > before) this.#applied = revision
    return { succeeded: true, revision: this.#applied }
  }

  /** Ends a lease and deletes its keys at one revision, in key order. */
  revoke(lease: Lease, batch: Batch): void {
    const records = [...lease.keys].toSorted((a, b) => (a.key < b.key ? -1 : 1))
    batch.leases.push(this.leases.revoke(lease))
    if (records.length === 0) return
    this.#applied++
    for (const record of records) this.#delete(record, this.#applied, batch)
  }

  publish(batch: Batch): void {
    this.#revision = this.#applied
    for (const version of batch.versions) this.#recent.add(version)
    if (batch.compactedRevision !== undefined) this.#compactedRevision = batch.compactedRevision
  }

  takeBack(batch: Batch): void {
    for (const version of batch.versions.toReversed()) {
      const { record, older } = version
      if (older === undefined) this.index.remove(record)
      else this.index.setNewest(record, older)
    }
    this.history.pop(batch.versions.length)
    for (const change of batch.leases.toReversed()) this.leases.takeBack(change)
    // After the leases, so that a key goes back to a lease whose end has been taken back.
    for (const version of batch.versions.toReversed()) this.leases.move(version.record, version, version.older)
    this.#lastRow -= batch.versions.length
    this.#applied = this.#revision
  }

  get(key: string, atRevision?: number): KeyValue | undefined {
    const revision = this.#readable(atRevision)
    const record = this.index.find(orderedKey(key))
    const version = record && versionAt(record, revision)
    if (!isLive(version)) return undefined
    if (version.value !== undefined) return keyValueOf(version, version.value)
    const value = this.#disk.readValue(version.row)
    version.value = value
    this.#recent.add(version)
    return keyValueOf(version, value)
  }

  range(query: RangeQuery): RangeResult {
    const revision = this.#readable(query.atRevision)
    const { limit = Number.POSITIVE_INFINITY } = query
    if (!(limit >= 1)) throw new InvalidStoreRequest('the limit of a range must be at least 1')
    const prefix = orderedPrefix(query.prefix)
    const after = query.after === undefined ? undefined : orderedPrefix(query.after)
    if (after !== undefined && !after.startsWith(prefix)) throw new InvalidStoreRequest('a range goes on after a key with its prefix')
    const { versions, count } = this.index.select(prefix, after, limit, revision)
    const items = versions.map((version) => keyValueOf(version, query.keysOnly === true ? EMPTY : this.valueOf(version)))
    return { revision, items, more: count > items.length, count }
  }

  eventOf(version: Version, withPrevious: boolean): StoreEvent {
    const { older, deleted } = version
    const current = keyValueOf(version, this.valueOf(version))
    const kind = deleted ? 'delete' : 'put'
    if (!withPrevious || !isLive(older)) return { kind, key: current.key, current }
    return { kind, key: current.key, current, previous: keyValueOf(older, this.valueOf(older)) }
  }

  valueOf(version: Version): Uint8Array {
    if (version.deleted) return EMPTY
    return version.value ?? this.#disk.readValue(version.row)
  }

  #readable(atRevision: number | undefined): number {
    if (atRevision === undefined) return this.#revision
    if (atRevision > this.#revision) throw new FutureRevision(atRevision, this.#revision)
    if (atRevision < this.#compactedRevision) throw new Compacted(this.#compactedRevision)
    return atRevision
  }

  #newestValue(key: OrderedKey): KeyValue | undefined {
    const newest = this.index.find(key)?.newest
    return isLive(newest) ? keyValueOf(newest, this.valueOf(newest)) : undefined
  }

  #checked(operations: readonly Operation[]): { key: OrderedKey; operation: Operation }[] {
    const checked = operations.map((operation) => ({ key: orderedKey(operation.key), operation }))
    if (checked.length > 1 && new Set(checked.map(({ key }) => key)).size < checked.length)
      throw new InvalidStoreRequest('a transaction must not write a key twice')
    for (const operation of operations) {
      if (operation.kind !== 'put') continue
      if (operation.lease !== undefined) this.leases.get(operation.lease)
      if (operation.value.byteLength > LARGEST_VALUE_BYTES)
        throw new InvalidStoreRequest(`a value must not be longer than ${LARGEST_VALUE_BYTES} bytes`)
    }
    return checked
  }

  #put(key: OrderedKey, value: Uint8Array, lease: number, revision: number, batch: Batch): void {
    const record = this.index.findOrAdd(key)
    const before = isLive(record.newest) ? record.newest : undefined
    const row: StoredRow = {
      row: ++this.#lastRow,
      key,
      revision,
      createRevision: before?.createRevision ?? revision,
      version: (before?.version ?? 0) + 1,
      lease,
      deleted: false,
    }
    batch.versions.push(this.#push(record, row, value))
  }

  #delete(record: KeyRecord | undefined, revision: number, batch: Batch): void {
    if (record === undefined || !isLive(record.newest)) return
    const row: StoredRow = { row: ++this.#lastRow, key: record.key, revision, createRevision: 0, version: 0, lease: 0, deleted: true }
    batch.versions.push(this.#push(record, row, EMPTY))
  }

  #push(record: KeyRecord, row: StoredRow, value: Uint8Array | undefined): Version {
    const older = record.newest
    const version: Version = {
      record,
      row: row.row,
      revision: row.revision,
      createRevision: row.createRevision,
      version: row.version,
      lease: row.lease,
      deleted: row.deleted,
      value,
      older,
    }
    this.leases.move(record, older, version)
    this.index.setNewest(record, version)
    this.history.push(version)
    return version
  }
}

function keyValueOf(version: Version, value: Uint8Array): KeyValue {
  const key = originalKey(version.record.key)
  const { createRevision, revision: modRevision, lease } = version
  if (lease === 0) return { key, value, createRevision, modRevision, version: version.version }
  return { key, value, createRevision, modRevision, version: version.version, lease }
}
