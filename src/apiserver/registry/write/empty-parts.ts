import type { Field, KubeObject, ObjectSchema, Schema } from '#api'

/**
 * Empty and absent lists and maps are the same to Kubernetes, and what is stored as null is absent. Where the new object differs from the old one in nothing else, it gets the old form:
 * so that rules about what has changed see no change. What has changed stays as it was sent.
 */
export function settleEmptyParts(schema: ObjectSchema, draft: KubeObject, old: KubeObject): void {
  const before = old as Readonly<Record<string, unknown>>
  const values = draft as unknown as Record<string, unknown>
  for (const [name, value] of Object.entries(values)) {
    const field = schema.fields.get(name)
    if (field === undefined || name === 'metadata' || value === before[name] || !(hasEmpty(value, before[name]) || hasNull(before[name])))
      continue
    if (field.dropEmpty && before[name] === undefined && isEmptyPart(field.schema, value)) delete values[name]
    else if (isNullAbsent(field) && before[name] === null && isEmptyPart(field.schema, value)) values[name] = null
    else values[name] = settled(field.schema, value, before[name])
  }
}

/** A copy of the new object that is settled so. */
export function withSettledParts(schema: ObjectSchema, draft: KubeObject, old: KubeObject): KubeObject {
  const copy = { ...draft }
  settleEmptyParts(schema, copy, old)
  return copy
}

/** Most objects have nothing empty in them, and are not looked at twice; what is the old one's own is not looked at once. */
function hasEmpty(value: unknown, old: unknown): boolean {
  if (typeof value !== 'object' || value === null || value === old) return false
  const before: Readonly<Record<string, unknown>> = typeof old === 'object' && old !== null ? (old as Record<string, unknown>) : NOTHING
  let isEmpty = true
  for (const key in value) {
    isEmpty = false
    if (hasEmpty((value as Readonly<Record<string, unknown>>)[key], before[key])) return true
  }
  return isEmpty
}
const NOTHING: Readonly<Record<string, unknown>> = {}

function hasNull(value: unknown): boolean {
  if (typeof value !== 'object') return false
  if (value === null) return true
  for (const key in value) if (hasNull((value as Readonly<Record<string, unknown>>)[key])) return true
  return false
}

/** The same value when it is as it should be. */
function settled(schema: Schema, value: unknown, old: unknown): unknown {
  if (value === old || typeof value !== 'object' || value === null || typeof old !== 'object' || old === null) return value
  if (schema.kind === 'any') return schema.objects === undefined || Array.isArray(value) ? value : settled(schema.objects, value, old)
  if (schema.kind === 'map' && !Array.isArray(value))
    return settledValues(schema.values, value as Readonly<Record<string, unknown>>, old as Readonly<Record<string, unknown>>)
  if (schema.kind === 'list' && Array.isArray(value) && Array.isArray(old) && value.length === old.length)
    return settledItems(schema.items, value, old)
  if (schema.kind !== 'object' || Array.isArray(value)) return value
  return settledMembers(schema, value as Readonly<Record<string, unknown>>, old as Readonly<Record<string, unknown>>)
}

function settledItems(schema: Schema, items: readonly unknown[], old: readonly unknown[]): readonly unknown[] {
  let result: unknown[] | undefined
  for (let at = 0; at < items.length; at++) {
    const item = settled(schema, items[at], old[at])
    if (item !== items[at]) (result ??= [...items])[at] = item
  }
  return result ?? items
}

function settledValues(
  schema: Schema,
  values: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  let result: [string, unknown][] | undefined
  const entries = Object.entries(values)
  for (const [at, [key, value]] of entries.entries()) {
    const next = settled(schema, value, before[key])
    if (next !== value) (result ??= [...entries])[at] = [key, next]
  }
  return result === undefined ? values : Object.fromEntries(result)
}

function settledMembers(
  { fields }: ObjectSchema,
  members: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  let result: Record<string, unknown> | undefined
  for (const name in members) {
    const field = fields.get(name)
    if (field === undefined) continue
    const child = members[name]
    if (field.dropEmpty === true && before[name] === undefined && isEmptyPart(field.schema, child)) {
      result ??= { ...members }
      delete result[name]
      continue
    }
    const member = settled(field.schema, child, before[name])
    if (member !== child) (result ??= { ...members })[name] = member
  }
  for (const name in before) {
    if (before[name] !== null) continue
    const field = fields.get(name)
    const member = (result ?? members)[name]
    if (field === undefined || !isNullAbsent(field)) continue
    if (member === undefined || isEmptyPart(field.schema, member)) (result ??= { ...members })[name] = null
  }
  return result ?? members
}

/** In custom resources null is a value, and another one than none. */
const isNullAbsent = ({ goType }: Field): boolean => goType !== undefined

function isEmptyPart(schema: Schema, value: unknown): boolean {
  if (schema.kind === 'any' || typeof value !== 'object' || value === null) return false
  return Object.keys(value).length === 0
}
