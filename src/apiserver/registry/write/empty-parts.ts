import type { KubeObject, ObjectSchema, Schema } from '#api'

/**
 * Empty and absent lists and maps are the same to Kubernetes, and what is stored as null is absent. Where the new object differs from the old one in nothing else, it gets the old form:
 * so that rules about what has changed see no change. What has changed stays as it was sent.
 */
export function settleEmptyParts(schema: ObjectSchema, draft: KubeObject, old: KubeObject): void {
  const before = old as Readonly<Record<string, unknown>>
  const values = draft as unknown as Record<string, unknown>
  for (const [name, value] of Object.entries(values)) {
    const field = schema.fields.get(name)
    if (field === undefined || name === 'metadata' || value === before[name] || !(hasEmpty(value) || hasNull(before[name]))) continue
    if (field.dropEmpty && before[name] === undefined && isEmptyPart(field.schema, value)) delete values[name]
    else if (before[name] === null && isEmptyPart(field.schema, value)) values[name] = null
    else values[name] = settled(field.schema, value, before[name])
  }
}

/** Most objects have nothing empty in them, and are not looked at twice. */
function hasEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  let isEmpty = true
  for (const key in value) {
    isEmpty = false
    if (hasEmpty((value as Readonly<Record<string, unknown>>)[key])) return true
  }
  return isEmpty
}

function hasNull(value: unknown): boolean {
  if (typeof value !== 'object') return false
  if (value === null) return true
  for (const key in value) if (hasNull((value as Readonly<Record<string, unknown>>)[key])) return true
  return false
}

function settled(schema: Schema, value: unknown, old: unknown): unknown {
  if (value === old || typeof value !== 'object' || value === null || typeof old !== 'object' || old === null) return value
  if (schema.kind === 'any') return schema.objects === undefined || Array.isArray(value) ? value : settled(schema.objects, value, old)
  if (schema.kind === 'list' && Array.isArray(value) && Array.isArray(old) && value.length === old.length)
    return value.map((item, at) => settled(schema.items, item, old[at]))
  if (Array.isArray(value)) return value
  const before = old as Readonly<Record<string, unknown>>
  if (schema.kind === 'map')
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, settled(schema.values, child, before[key])]))
  if (schema.kind !== 'object') return value
  const result: Record<string, unknown> = {}
  for (const [name, child] of Object.entries(value)) {
    const field = schema.fields.get(name)
    if (field?.dropEmpty === true && before[name] === undefined && isEmptyPart(field.schema, child)) continue
    result[name] = field === undefined ? child : settled(field.schema, child, before[name])
  }
  for (const [name, was] of Object.entries(before)) {
    const field = schema.fields.get(name)
    if (was === null && field !== undefined && (result[name] === undefined || isEmptyPart(field.schema, result[name]))) result[name] = null
  }
  return result
}

function isEmptyPart(schema: Schema, value: unknown): boolean {
  if (schema.kind === 'any' || typeof value !== 'object' || value === null) return false
  return Object.keys(value).length === 0
}
