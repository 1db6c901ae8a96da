import type { ManagedFieldsEntry } from '../meta/object.ts'
import { difference, EMPTY_SET, type FieldSet, fieldSetOf, hasPath, isEmptySet } from './set/field-set.ts'
import { isSameManager, type Manager, readManagers, writeManagers } from './managers.ts'
import { withFields } from './ownership.ts'
import { fieldElement } from './set/path-element.ts'

/** Where `spec.replicas` of a Scale stands in the scaled object, by the object's apiVersion; field names from the root. */
export type ReplicasPaths = Readonly<Record<string, readonly string[]>>

const SCALE = 'autoscaling/v1'
const REPLICAS = ['spec', 'replicas'] as const

const elements = (names: readonly string[]): string[] => names.map(fieldElement)

/** What is owned of the replicas of an object, as the `managedFields` of its Scale. For tracking and applying to the Scale. */
export function scaleManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, paths: ReplicasPaths): ManagedFieldsEntry[] {
  const managers = readManagers(entries, entries) ?? []
  return writeManagers(
    managers
      .filter(({ apiVersion, fields }) => hasPath(fields, elements(paths[apiVersion] ?? [])))
      .map((manager) => ({ ...withFields(manager, fieldSetOf(REPLICAS)), apiVersion: SCALE })),
  )
}

/**
 * The `managedFields` of an object after a write to its Scale. Who no longer owns the Scale's replicas loses those of the object;
 * who owns them now owns those, in the version of the object that was asked for. Such new owners have no time.
 */
export function managedFieldsAfterScale(
  entries: readonly ManagedFieldsEntry[] | undefined,
  scaleEntries: readonly ManagedFieldsEntry[],
  paths: ReplicasPaths,
  apiVersion: string,
): ManagedFieldsEntry[] {
  const owners = readManagers(scaleEntries) ?? []
  const remaining: Manager[] = []
  for (const manager of readManagers(entries, entries) ?? []) {
    const path = paths[manager.apiVersion]
    if (path === undefined) continue
    if (!hasPath(manager.fields, elements(path))) {
      remaining.push(manager)
      continue
    }
    // An updater is one in each version: that of the Scale is another one than that of the object, and becomes a second entry of it.
    const at = owners.findIndex((owner) => isSameManager(owner, manager))
    if (at !== -1) owners.splice(at, 1)
    const fields = at === -1 ? difference(manager.fields, fieldSetOf(path)) : manager.fields
    if (!isEmptySet(fields)) remaining.push(withFields(manager, fields))
  }
  const path = paths[apiVersion]
  const replicas: FieldSet = path === undefined ? EMPTY_SET : fieldSetOf(path)
  for (const owner of owners) {
    if (!hasPath(owner.fields, elements(REPLICAS)) || isEmptySet(replicas)) continue
    remaining.push({ ...withFields(owner, replicas), apiVersion, time: undefined })
  }
  return writeManagers(remaining)
}
