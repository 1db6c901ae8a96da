import type { ManagedFieldsEntry, KubeObject } from '../meta/object.ts'
import type { ObjectSchema } from '../schema/schema.ts'
import { compareFields, type FieldChanges } from './compare-fields.ts'
import { difference, EMPTY_SET, type FieldSet, fieldSetOf, intersection, isEmptySet, union } from './set/field-set.ts'
import type { Manager, ManagerName } from './managers.ts'

/** What tracking a write and applying have in common. Nothing of it is changed. */
export interface OwnershipRequest {
  /** Of the version in which the request was made. */
  readonly schema: ObjectSchema
  /** Who writes: the `fieldManager` of the request. */
  readonly manager: string
  /** `apps/v1`: the version in which the request was made. */
  readonly apiVersion: string
  /** `status`, `scale`, …; empty or absent for the main resource. */
  readonly subresource?: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
  /** What the resource, or its subresource, does not let this request change: never owned, never in conflict. */
  readonly resetFields?: FieldSet | undefined
  /** The other versions of the kind. Without it every version is read as if it had this one's shape. */
  readonly versions?: ((apiVersion: string) => OtherVersion | undefined) | undefined
}

export interface OtherVersion {
  readonly schema: ObjectSchema
  /** From the version of the request. May share parts with its argument, which it does not change. Throws `UnfitVersion`. */
  convert(object: KubeObject): KubeObject
  /** Back to the version of the request. The object may lack fields. */
  revert(object: KubeObject): KubeObject
}

/** What only the server writes, and the type of the object. */
const SERVER_FIELDS: FieldSet = fieldSetOf(
  ['apiVersion'],
  ['kind'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map(
    (name) => ['metadata', name],
  ),
)
const NEVER_OWNED: FieldSet = union(SERVER_FIELDS, fieldSetOf(['metadata']))

/** A set without what nobody owns. */
export function ownable(fields: FieldSet): FieldSet {
  return difference(fields, NEVER_OWNED)
}

/** Compares in the version of each manager, once for each version. */
export class Comparisons {
  readonly #request: OwnershipRequest
  readonly #live: KubeObject
  readonly #updated: KubeObject
  readonly #byVersion = new Map<string, FieldChanges | undefined>()
  constructor(request: OwnershipRequest, live: KubeObject, updated: KubeObject) {
    this.#request = request
    this.#live = live
    this.#updated = updated
  }

  own(): FieldChanges {
    return this.inVersion(this.#request.apiVersion) ?? { changed: EMPTY_SET, removed: EMPTY_SET }
  }

  /** Undefined for a version that is no longer there. */
  inVersion(apiVersion: string): FieldChanges | undefined {
    const { versions, apiVersion: requested } = this.#request
    const key = versions === undefined ? requested : apiVersion
    if (!this.#byVersion.has(key)) this.#byVersion.set(key, this.#compare(key))
    return this.#byVersion.get(key)
  }

  #compare(apiVersion: string): FieldChanges | undefined {
    const { versions, apiVersion: requested, schema, resetFields = EMPTY_SET } = this.#request
    if (apiVersion === requested) return compareFields(this.#live, this.#updated, schema, union(SERVER_FIELDS, resetFields))
    const other = versions?.(apiVersion)
    if (other === undefined) return undefined
    return compareFields(other.convert(this.#live), other.convert(this.#updated), other.schema, SERVER_FIELDS)
  }
}

/** A manager and the fields of it that a request would change. */
export interface OwnershipConflict {
  readonly manager: Manager
  readonly fields: FieldSet
}

/** The managers without what was changed or removed; those left with nothing are gone. `isWriter` are not looked at. */
export function withoutLost(
  managers: readonly Manager[],
  comparisons: Comparisons,
  isWriter: (manager: ManagerName) => boolean,
): { readonly remaining: Manager[]; readonly conflicts: OwnershipConflict[] } {
  const remaining: Manager[] = []
  const conflicts: OwnershipConflict[] = []
  for (const manager of managers) {
    if (isWriter(manager)) {
      remaining.push(manager)
      continue
    }
    const changes = comparisons.inVersion(manager.apiVersion)
    if (changes === undefined) continue
    const lost = intersection(manager.fields, changes.changed)
    if (!isEmptySet(lost)) conflicts.push({ manager, fields: lost })
    const fields = difference(difference(manager.fields, lost), changes.removed)
    if (!isEmptySet(fields)) remaining.push(withFields(manager, fields))
  }
  return { remaining, conflicts }
}

/** The manager with another set; the same manager when it is the same set. */
export function withFields(manager: Manager, fields: FieldSet): Manager {
  if (fields === manager.fields) return manager
  const { entry: _, ...rest } = manager
  return { ...rest, fields }
}

/** RFC 3339 with seconds. */
export function timeText(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`
}

/** Whether the entries say that all ownership is to be forgotten. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined | null): boolean {
  if (entries === undefined || entries === null) return false
  const [first] = entries
  return (
    first === undefined ||
    (entries.length === 1 && Object.values(first).every((value) => value === undefined || value === null || value === ''))
  )
}
