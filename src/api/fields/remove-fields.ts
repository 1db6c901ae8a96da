import { isJsonObject, type JsonObject, setMember } from '../meta/deep.ts'
import type { ListSchema, ObjectSchema, Schema } from '../schema/schema.ts'
import { EMPTY_SET, type FieldSet, isEmptySet, isMember } from './set/field-set.ts'
import { fieldElement, itemElement } from './set/path-element.ts'
import { isNamedField, memberSchema, shapeOf } from './shape.ts'

/** The object without these paths and all below them. What loses all its parts becomes null. Shares what stays. */
export function removeFields(object: object, paths: FieldSet, schema: ObjectSchema): JsonObject {
  if (isEmptySet(paths)) return object as JsonObject
  return removeMembers(object as JsonObject, paths, schema) ?? {}
}

function removeBelow(value: unknown, paths: FieldSet, schema: Schema): unknown {
  const shape = shapeOf(schema, value)
  if (shape.kind === 'map') return isJsonObject(value) ? removeMembers(value, paths, schema) : null
  if (shape.kind === 'list') return Array.isArray(value) ? removeItems(value, paths, shape.list) : null
  // The paths are of a time when this could be owned in parts.
  return value !== null && typeof value === 'object' ? null : value
}

function removeMembers(object: JsonObject, paths: FieldSet, schema: Schema): JsonObject | null {
  const result: JsonObject = {}
  let isEmpty = true
  for (const key of Object.keys(object)) {
    const node = paths[fieldElement(key)]
    if (node !== undefined && isMember(node)) continue
    setMember(result, key, node === undefined ? object[key] : removeBelow(object[key], node, memberSchema(schema, key)))
    isEmpty = false
  }
  return isEmpty ? null : result
}

function removeItems(items: readonly unknown[], paths: FieldSet, list: ListSchema): unknown[] | null {
  const result: unknown[] = []
  for (const item of items) {
    const element = itemElement(item, list)
    const node = element === undefined ? undefined : paths[element]
    if (node === undefined) result.push(item)
    else if (!isMember(node)) result.push(removeBelow(item, node, list.items))
  }
  return result.length === 0 ? null : result
}

/** The set with the named fields on the way to its paths. Keys of maps and items of lists are not added. */
export function withNamedFields(set: FieldSet, schema: ObjectSchema): FieldSet {
  return namedBelow(set, schema)
}

function namedBelow(node: FieldSet, schema: Schema): FieldSet {
  const result: Record<string, FieldSet> = {}
  for (const element of Object.keys(node)) {
    const child = node[element]
    if (child === undefined) continue
    const isField = element.startsWith('f:')
    const name = element.slice(2)
    const below = isField ? memberSchema(schema, name) : schema.kind === 'list' ? schema.items : schema
    const isNamed = isField && isNamedField(schema, name) && !isEmptySet(child)
    result[element] = isEmptySet(child) ? child : { ...(isNamed ? { '.': EMPTY_SET } : {}), ...namedBelow(child, below) }
  }
  return result
}
