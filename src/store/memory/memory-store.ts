import type { Scope } from '#base'
import type { Engine } from '../engine.ts'
import type { Disk } from '../mvcc/disk.ts'
import { MvccEngine } from '../mvcc/mvcc-engine.ts'

/** Values never leave the memory, so nothing is ever read from here. */
const nowhere: Disk = {
  loadState: () => ({ compactedRevision: 0, leases: [], lastLease: 0 }),
  loadRows: () => undefined,
  write: () => undefined,
  tidy: () => undefined,
  readValue: (row) => {
    throw new Error(`the memory store has lost the value of row ${row}`)
  },
  remove: () => undefined,
  markUnused: () => undefined,
  shrink: () => false,
  sizeBytes: () => 0,
  close: () => undefined,
}

/** An engine that forgets everything when it is closed; for tests. `scope` gives the clock and the log. */
export function openMemoryStore(scope: Scope): Engine {
  return new MvccEngine(scope, nowhere, Number.POSITIVE_INFINITY)
}
