import { deepEqual, type JsonObject } from '../meta/deep.ts'
import type { KubeObject } from '../meta/object.ts'
import { StatusError, statusError } from '../meta/status.ts'
import { checkApplied } from './check-applied.ts'
import { applyConflict } from './conflicts.ts'
import { difference, type FieldSet, intersection, isEmptySet, recursiveDifference, union } from './set/field-set.ts'
import { conflictsOutsideLastApplied, withLastApplied } from './last-applied.ts'
import { type Manager, type ManagerName, isSameManager, readManagers, replaceManager, writeManagers } from './managers.ts'
import { mergeApplied } from './merge-applied.ts'
import { fieldsOf } from './owned-fields.ts'
import { Comparisons, type OwnershipConflict, type OwnershipRequest, ownable, timeText, withFields, withoutLost } from './ownership.ts'
import { removeFields, withNamedFields } from './remove-fields.ts'
import { trackManagers } from './track-update.ts'
import { UnfitVersion } from './unfit-version.ts'

export interface ApplyRequest extends OwnershipRequest {
  /** The stored object; undefined when the request creates it. */
  readonly live: KubeObject | undefined
  /** What the client sent, read as plain JSON: neither defaults nor zero values filled in. */
  readonly applied: KubeObject
  /** The kind that is spoken on this path, where `live` does not tell. */
  readonly kind?: string | undefined
  /** Takes fields over from others instead of refusing. */
  readonly force: boolean
}

/**
 * Merges an applied object into the live one: what it sets is set and owned, what its manager applied before and leaves out now
 * is removed unless somebody else owns it, and what others own with another value is a conflict.
 *
 * The result is in the request's version and shares parts of both objects, which are not changed. It is what the client asked
 * for: it has to be decoded (nulls, empty values), defaulted and prepared like the object of an update. Throws a StatusError:
 * 409 for conflicts, 500 for an object that does not fit the schema, 400 for one that is not of this type or has managedFields.
 */
export function serverSideApply(request: ApplyRequest): KubeObject {
  const { applied, schema, force } = request
  const live = request.live ?? { apiVersion: request.apiVersion, kind: request.kind ?? applied.kind, metadata: {} }
  checkRequest(request, live)
  const mistakes = checkApplied(applied, schema)
  if (mistakes.length > 0) throw untyped(applied, mistakes)

  const before = managersBefore(request, live)
  const merged = comparable('failed to prune fields: failed add back owned items', () => mergeAndPrune(request, live, before))
  const comparisons = new Comparisons(request, live, merged.object)
  const writer = writerOf(request)
  const { remaining, conflicts } = comparable('failed to convert old object', () =>
    withoutLost(merged.managers, comparisons, (manager) => isSameManager(manager, writer)),
  )
  if (!force) refuseConflicts(request, live, conflicts)

  const isNoop = deepEqual(live, merged.object)
  const managers = finished(remaining, writer, isNoop ? undefined : timeText(request.now))
  const object = withLastApplied(request, isNoop ? live : (merged.object as KubeObject))
  const entries = writeManagers(managers)
  const { managedFields: _, ...metadata } = object.metadata ?? {}
  return { ...object, metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries } }
}

/** What cannot be looked at in the version of one of its managers cannot be applied to. */
function comparable<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof UnfitVersion) throw new StatusError({ code: 500, message: `${what}: ${error.message}` })
    throw error
  }
}

function checkRequest({ applied, apiVersion, kind: expected }: ApplyRequest, live: KubeObject): void {
  if (applied.apiVersion !== apiVersion || applied.kind !== (expected ?? live.kind) || !applied.kind) {
    const text = (given: unknown): string => (typeof given === 'string' ? given : '')
    const [version, kind] = [text(applied.apiVersion), text(applied.kind)]
    throw statusError.badRequest(`invalid object type: ${version.includes('/') ? version : `/${version}`}, Kind=${kind}`)
  }
  if (Array.isArray(applied.metadata?.managedFields)) throw statusError.badRequest('metadata.managedFields must be nil')
}

function untyped(applied: KubeObject, mistakes: readonly string[]): StatusError {
  const list = mistakes.length === 1 ? mistakes.join('') : ['errors:', ...mistakes.map((mistake) => `  ${mistake}`)].join('\n')
  return new StatusError({ code: 500, message: `failed to create typed patch object (${nameOf(applied)}): ${list}` })
}

/** What has been merged is no object of the type. */
export function unrestorable(applied: KubeObject, why: string): StatusError {
  const type = typeOf(applied)
  const message = `failed to convert new object (${nameOf(applied)}) to proper version: unable to convert unstructured object to ${type}: ${why}`
  return new StatusError({ code: 500, message })
}

const typeOf = ({ apiVersion = '', kind = '' }: KubeObject): string =>
  `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`

function nameOf(applied: KubeObject): string {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const { metadata } = applied
  return `${text(metadata?.namespace)}/${text(metadata?.name)}; ${typeOf(applied)}`
}

function writerOf({ manager: name, apiVersion, subresource = '' }: OwnershipRequest): ManagerName {
  return { name, operation: 'Apply', apiVersion, subresource }
}

/** Owns what was there before anyone tracked it. */
const BEFORE_FIRST_APPLY = 'before-first-apply'

function managersBefore(request: ApplyRequest, live: KubeObject): Manager[] {
  const entries = live.metadata?.managedFields
  const managers = readManagers(entries, entries)
  if (managers === undefined) throw new StatusError({ code: 500, message: 'failed to decode managed fields' })
  if (managers.length > 0) return managers
  return trackManagers({ ...request, manager: BEFORE_FIRST_APPLY }, {}, live, [])
}

function mergeAndPrune(request: ApplyRequest, live: KubeObject, before: readonly Manager[]): { object: JsonObject; managers: Manager[] } {
  const { applied, schema, resetFields } = request
  const allowed = (set: FieldSet): FieldSet => (resetFields === undefined ? set : recursiveDifference(set, resetFields))
  const writer = writerOf(request)
  const former = before.find((manager) => isSameManager(manager, writer))
  const fields = allowed(fieldsOf(applied, schema))
  const managers = [...before]
  replaceManager(managers, { ...writer, operation: 'Apply', time: former?.time, fields })
  const merged = mergeApplied(live, applied, schema)
  const last = former === undefined ? undefined : { ...former, fields: allowed(former.fields) }
  return { object: last === undefined ? merged : pruned(request, merged, last, fields, managers), managers }
}

/** Takes out what was applied before and is applied no longer, unless another manager owns it. */
function pruned(request: ApplyRequest, merged: JsonObject, last: Manager, now: FieldSet, managers: readonly Manager[]): JsonObject {
  if (isEmptySet(difference(last.fields, now))) return merged
  const { schema } = request
  const named = (set: FieldSet): FieldSet => withNamedFields(set, schema)
  const lastFields = named(last.fields)
  const owned = managers.map((manager) => ownedInVersion(request, manager, merged)).reduce(union)
  const all = named(fieldsOf(merged, schema))
  const left = named(fieldsOf(removeFields(merged, lastFields, schema), schema))
  const kept = removeFields(merged, difference(all, union(left, named(owned))), schema)
  const gone = difference(all, named(fieldsOf(kept, schema)))
  return removeFields(merged, intersection(gone, lastFields), schema)
}

/** What a manager owns, as far as it can be told in the version of the request. */
function ownedInVersion({ versions, apiVersion, schema }: ApplyRequest, manager: Manager, merged: JsonObject): FieldSet {
  if (versions === undefined || manager.apiVersion === apiVersion) return manager.fields
  const other = versions(manager.apiVersion)
  if (other === undefined) return manager.fields
  // The object without what the manager owns there, brought back, lacks what it owns here.
  const rest = removeFields(other.convert(merged as KubeObject), withNamedFields(manager.fields, other.schema), other.schema)
  return difference(fieldsOf(merged, schema), fieldsOf(other.revert(rest as KubeObject), schema))
}

function refuseConflicts(request: ApplyRequest, live: KubeObject, conflicts: readonly OwnershipConflict[]): void {
  if (conflicts.length === 0) return
  const real = request.manager === 'kubectl' ? conflictsOutsideLastApplied(request, live, conflicts) : conflicts
  if (real.length > 0) throw applyConflict(real)
}

/** The writer's own entry without what nobody owns, gone when nothing is left. A new time when the object changed. */
function finished(managers: readonly Manager[], writer: ManagerName, time: string | undefined): Manager[] {
  return managers.flatMap((manager) => {
    if (!isSameManager(manager, writer)) return [manager]
    const fields = ownable(manager.fields)
    return isEmptySet(fields) ? [] : [{ ...withFields(manager, fields), time: time ?? manager.time }]
  })
}
