import type { KubeObject, ManagedFieldsEntry } from '../meta/object.ts'
import { difference, isEmptySet, union } from './set/field-set.ts'
import { capUpdateManagers, isSameManager, type Manager, type ManagerName, readManagers, writeManagers } from './managers.ts'
import { Comparisons, isReset, type OwnershipRequest, ownable, timeText, withFields, withoutLost } from './ownership.ts'
import { UnfitVersion } from './unfit-version.ts'

export interface UpdateRequest extends OwnershipRequest {
  /** The stored object; undefined when the request creates it. */
  readonly live: KubeObject | undefined
  /** The object as it is about to be stored, with the `managedFields` that the client sent. */
  readonly updated: KubeObject
}

/**
 * The `managedFields` after a create, an update or a patch that is no apply: the writer owns what changed, nobody else does
 * any more, and nobody owns what is gone. An empty list stands for no `managedFields` at all.
 *
 * A client may set `managedFields` of the main resource: they are the starting point when they are valid and not empty, and
 * an empty list (or one empty entry) switches tracking off until the next apply. Entries that stay as they were are the same
 * objects as before. Where the object cannot be compared in the version of one of its managers, all ownership is forgotten.
 */
export function trackUpdate(request: UpdateRequest): ManagedFieldsEntry[] {
  const { live, updated } = request
  const before = startingPoint(request)
  if (before.length === 0 && live !== undefined && (live.metadata?.uid ?? '') !== '') return []
  try {
    return writeManagers(capUpdateManagers(trackManagers(request, live ?? {}, updated, before)))
  } catch (error) {
    if (error instanceof UnfitVersion) return []
    throw error
  }
}

function startingPoint({ live, updated, subresource = '' }: UpdateRequest): Manager[] {
  const stored = live?.metadata?.managedFields
  const sent = updated.metadata?.managedFields
  if (subresource === '' && sent !== stored) {
    if (isReset(sent)) return []
    const managers = readManagers(sent, stored)
    if (managers !== undefined && managers.length > 0) return managers
  }
  return readManagers(stored, stored) ?? []
}

/** The managers after a write by the request's manager with the operation Update. */
export function trackManagers(request: OwnershipRequest, live: KubeObject, updated: KubeObject, before: readonly Manager[]): Manager[] {
  const { manager: name, apiVersion, subresource = '', now } = request
  const writer = { name, operation: 'Update', apiVersion, subresource } as const
  const isWriter = (manager: ManagerName): boolean => isSameManager(manager, writer)
  const comparisons = new Comparisons(request, live, updated)
  const { remaining } = withoutLost(before, comparisons, isWriter)
  const { changed, removed } = comparisons.own()
  const taken = ownable(changed)
  const at = remaining.findIndex(isWriter)
  const former = remaining[at]
  if (former === undefined) {
    if (!isEmptySet(taken)) remaining.push({ ...writer, time: timeText(now), fields: taken })
    return remaining
  }
  // What the writer has changed it goes on to own: mostly all of it is in its set already, which then stays the same one.
  const kept = difference(former.fields, taken === changed ? removed : union(removed, difference(changed, taken)))
  if (!isEmptySet(taken)) remaining[at] = { ...writer, time: timeText(now), fields: union(kept, taken) }
  else if (isEmptySet(kept)) remaining.splice(at, 1)
  else remaining[at] = withFields(former, kept)
  return remaining
}
