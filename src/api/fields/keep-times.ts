import { deepEqual } from '../meta/deep.ts'
import type { KubeObject, ManagedFieldsEntry } from '../meta/object.ts'

/**
 * The updated object with the old times of its `managedFields`, when nothing but those times has changed: so that a write that
 * changes nothing stores nothing. Otherwise the updated object itself. To be asked when admission has had its say.
 */
export function keepUnchangedTimes<T extends KubeObject>(updated: T, old: KubeObject): T {
  const entries = updated.metadata?.managedFields
  const oldEntries = old.metadata?.managedFields
  if (entries === undefined || oldEntries === undefined || entries.length !== oldEntries.length) return updated
  if (!entries.every((entry, at) => sameButTime(entry, oldEntries[at]))) return updated
  const kept: T = { ...updated, metadata: { ...updated.metadata, managedFields: oldEntries } }
  return deepEqual(kept, old) ? kept : updated
}

function sameButTime(entry: ManagedFieldsEntry, old: ManagedFieldsEntry | undefined): boolean {
  return entry === old || (old !== undefined && deepEqual({ ...entry, time: undefined }, { ...old, time: undefined }))
}
