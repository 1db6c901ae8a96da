import { deepEqual } from '../meta/deep.ts'
import type { ManagedFieldsEntry } from '../meta/object.ts'
import { EMPTY_SET, type FieldSet, parseFieldSet, union } from './set/field-set.ts'

export type ManagerOperation = 'Apply' | 'Update'

/**
 * Who owns what: a manager of an object. Appliers are the same manager in all versions, updaters one in each; the
 * subresource tells managers apart in both. Immutable.
 */
export interface Manager {
  readonly name: string
  readonly operation: ManagerOperation
  readonly apiVersion: string
  readonly subresource: string
  /** RFC 3339 with seconds, or undefined when it never changed anything by itself. */
  readonly time: string | undefined
  readonly fields: FieldSet
  /** The entry that it was read from, as long as it says the same. */
  readonly entry?: ManagedFieldsEntry
}

export type ManagerName = Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>

export const MAX_UPDATE_MANAGERS = 10
const OLD_UPDATES = 'ancient-changes'

export function isSameManager(a: ManagerName, b: ManagerName): boolean {
  return (
    a.name === b.name &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  )
}

/**
 * Reads entries. Undefined when one of them is invalid. Sets of `trusted` entries, which the server wrote itself, are taken
 * as they are.
 */
export function readManagers(
  entries: readonly ManagedFieldsEntry[] | undefined | null,
  trusted?: readonly ManagedFieldsEntry[] | null,
): Manager[] | undefined {
  const managers: Manager[] = []
  for (const [at, entry] of (entries ?? []).entries()) {
    const { operation, apiVersion = '', fieldsType } = entry
    if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '' || fieldsType !== 'FieldsV1') return undefined
    const known = trusted?.[at]
    const isTrusted = known !== undefined && deepEqual(known, entry)
    const fields = isTrusted ? ((known.fieldsV1 ?? EMPTY_SET) as FieldSet) : parsed(entry.fieldsV1)
    if (fields === undefined) return undefined
    const { manager: name = '', subresource = '', time } = entry
    const manager: Manager = {
      name,
      operation,
      apiVersion,
      subresource,
      time: time ?? undefined,
      fields,
      ...(isTrusted ? { entry: known } : {}),
    }
    replaceManager(managers, manager)
  }
  return managers
}

function parsed(fields: unknown): FieldSet | undefined {
  try {
    return parseFieldSet(fields)
  } catch {
    return undefined
  }
}

/** Puts a manager in the place of the same one, or at the end. Changes the list. */
export function replaceManager(managers: Manager[], manager: Manager): void {
  const at = managers.findIndex((candidate) => isSameManager(candidate, manager))
  if (at === -1) managers.push(manager)
  else managers[at] = manager
}

/** The entries in the order in which Kubernetes writes them. Managers that own nothing have none. */
export function writeManagers(managers: readonly Manager[]): ManagedFieldsEntry[] {
  return [...managers].sort(compareForWriting).map(entryOf)
}

function entryOf({ name, operation, apiVersion, subresource, time, fields, entry }: Manager): ManagedFieldsEntry {
  return (
    entry ?? {
      ...(name === '' ? {} : { manager: name }),
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fields as Record<string, unknown>,
      ...(subresource === '' ? {} : { subresource }),
    }
  )
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const secondsOf = (time: string | undefined): number => (time === undefined ? 0 : Math.floor(Date.parse(time) / 1000))

function compareForWriting(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    (a.time === b.time ? 0 : secondsOf(a.time) - secondsOf(b.time)) ||
    compareText(a.name, b.name) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  )
}

/**
 * At most ten updaters: the oldest of them are joined, those of each version into one. One that is alone in its version
 * stays as it is.
 */
export function capUpdateManagers(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter((manager) => manager.operation === 'Update')
  let excess = updaters.length - MAX_UPDATE_MANAGERS
  if (excess <= 0) return managers
  const oldest = updaters.sort((a, b) => (a.time === b.time ? 0 : secondsOf(a.time) - secondsOf(b.time)) || compareText(idOf(a), idOf(b)))
  const remaining = new Set(managers)
  const buckets = new Map<string, Manager>()
  for (const manager of oldest) {
    if (excess <= 0) break
    const former = buckets.get(manager.apiVersion)
    if (former === undefined) {
      buckets.set(manager.apiVersion, manager)
      continue
    }
    const identity = { name: OLD_UPDATES, operation: 'Update', apiVersion: manager.apiVersion, subresource: '' } as const
    const kept = [...remaining].find((candidate) => candidate !== manager && isSameManager(candidate, identity)) ?? former
    const bucket: Manager = { ...identity, time: manager.time, fields: union(kept.fields, manager.fields) }
    remaining.delete(kept)
    remaining.delete(manager)
    remaining.add(bucket)
    if (kept === former) buckets.set(manager.apiVersion, bucket)
    excess--
  }
  return [...remaining]
}

/** The order of managers where nothing else decides, which is that of their description as JSON. */
export function idOf({ name, operation, apiVersion, subresource }: ManagerName): string {
  return JSON.stringify({
    ...(name === '' ? {} : { manager: name }),
    operation,
    ...(operation === 'Apply' ? {} : { apiVersion }),
    ...(subresource === '' ? {} : { subresource }),
  })
}
