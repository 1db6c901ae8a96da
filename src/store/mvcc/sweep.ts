import type { Disk } from './disk.ts'
import type { Keyspace } from './keyspace.ts'
import type { Version } from './version.ts'

/** How much is done before others have their turn: a few milliseconds. */
const ROWS_A_STEP = 512
const ENTRIES_A_STEP = 16_384

/**
 * Forgets a bounded number of versions that the compaction has made unreadable: those that were superseded before the
 * compacted revision, and deletions before it. What happened at the compacted revision itself stays, with its previous
 * values, since watches may start there. Returns whether there is more to do. When the disk refuses, nothing is forgotten.
 */
export function sweep(keyspace: Keyspace, disk: Pick<Disk, 'remove'>): boolean {
  const { history, index, compactedRevision } = keyspace
  const rows: number[] = []
  const superseding: Version[] = []
  const goneForGood: Version[] = []
  let place = history.start
  for (const last = place + ENTRIES_A_STEP; place < last && rows.length < ROWS_A_STEP; place++) {
    const version = history.at(place)
    if (version === undefined || version.revision >= compactedRevision) break
    if (version.older !== undefined) {
      rows.push(version.older.row)
      superseding.push(version)
    }
    // A deletion with something newer above it goes when that has been compacted.
    if (version.deleted && version.record.newest === version) {
      rows.push(version.row)
      goneForGood.push(version)
    }
  }
  if (rows.length > 0) disk.remove(rows)
  for (const version of superseding) version.older = undefined
  for (const { record } of goneForGood) index.remove(record)
  history.forget(place)
  const next = history.at(history.start)
  return next !== undefined && next.revision < compactedRevision
}
