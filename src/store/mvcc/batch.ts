import type { LeaseChange } from './leases.ts'
import type { Version } from './version.ts'

/** What the transactions of one disk sync have done together: written at once, or taken back at once. */
export interface Batch {
  /** In the order of the writes; their values are in memory. */
  readonly versions: Version[]
  readonly leases: LeaseChange[]
  compactedRevision: number | undefined
}

export function emptyBatch(): Batch {
  return { versions: [], leases: [], compactedRevision: undefined }
}

export function changesNothing(batch: Batch): boolean {
  return batch.versions.length === 0 && batch.leases.length === 0 && batch.compactedRevision === undefined
}
