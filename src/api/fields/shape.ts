import { isJsonObject } from '../meta/deep.ts'
import type { ListSchema, Schema } from '../schema/schema.ts'

/**
 * How field ownership sees a value: a leaf is owned as a whole, a map or a list by its parts. Values without a schema are
 * maps of maps down to lists and scalars, which are leaves.
 */
export type Shape = { readonly kind: 'leaf' } | { readonly kind: 'map' } | { readonly kind: 'list'; readonly list: ListSchema }

const LEAF: Shape = { kind: 'leaf' }
const MAP: Shape = { kind: 'map' }
export const ANY: Schema = { kind: 'any' }

export function shapeOf(schema: Schema, value: unknown): Shape {
  switch (schema.kind) {
    case 'object':
    case 'map':
      return schema.atomic ? LEAF : MAP
    case 'list':
      return schema.listType === 'atomic' ? LEAF : { kind: 'list', list: schema }
    case 'any':
      return isJsonObject(value) && !isRaw(schema) ? MAP : LEAF
    default:
      return LEAF
  }
}

/** The built-in type for whole objects of other kinds (`data` of a ControllerRevision), which are never owned in parts. */
const RAW = 'RawExtension'
export const isRaw = (schema: Schema): boolean => schema.kind === 'any' && schema.name === RAW

/** The schema of a member, whether or not it is a named field. Unknown members can be anything. */
export function memberSchema(schema: Schema, key: string): Schema {
  switch (schema.kind) {
    case 'object':
      return schema.fields.get(key)?.schema ?? schema.others ?? ANY
    case 'map':
      return schema.values
    default:
      return ANY
  }
}

/** Whether a member is one that its type names, as opposed to a key of a map. */
export function isNamedField(schema: Schema, key: string): boolean {
  return schema.kind === 'object' && schema.fields.has(key)
}

/** Nothing, null and an empty map or list are alike when values are merged or compared. */
export function isBlank(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}
