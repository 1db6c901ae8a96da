import { memberSchema } from '../fields/shape.ts'
import { isJsonObject } from '../meta/deep.ts'
import type { Schema } from '../schema/schema.ts'

/** Where an applied value sets something that can only be set as a whole, and would wipe out what it does not name. */
export function atomicPlaces(value: unknown, schema: Schema, path: string): string[] {
  if (Array.isArray(value)) {
    if (schema.kind !== 'list') return []
    const inside = value.flatMap((item, i) => atomicPlaces(item, schema.items, `${path}[${i}]`))
    return schema.listType === 'atomic' ? [path, ...inside] : inside
  }
  if (!isJsonObject(value) || (schema.kind !== 'object' && schema.kind !== 'map')) return []
  const inside = Object.keys(value).flatMap((key) => atomicPlaces(value[key], memberSchema(schema, key), `${path}.${key}`))
  return schema.atomic === true ? [path, ...inside] : inside
}
