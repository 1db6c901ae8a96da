import { isJsonObject, type JsonObject } from '../meta/deep.ts'
import type { ListSchema, ObjectSchema, Schema } from '../schema/schema.ts'
import { EMPTY_SET, type FieldSet, NodeBuilder } from './set/field-set.ts'
import { fieldElement, itemElement, type PathElement, withoutKeys } from './set/path-element.ts'
import { isBlank, isNamedField, memberSchema, shapeOf } from './shape.ts'
import { UnfitVersion } from './unfit-version.ts'

/**
 * The paths that an object sets: what its applier owns. Structs are not owned themselves, only what is in them, unless they
 * are empty; keys of maps and items of lists are.
 */
export function fieldsOf(object: object, schema: ObjectSchema): FieldSet {
  return mapFields(object as JsonObject, schema, false) ?? EMPTY_SET
}

/** Whether a path is owned itself is decided above it (`self`) and, for leaves, here. */
function valueFields(value: unknown, schema: Schema, self: boolean): FieldSet | undefined {
  const shape = shapeOf(schema, value)
  switch (shape.kind) {
    case 'leaf':
      return EMPTY_SET
    case 'map':
      return isJsonObject(value) ? mapFields(value, schema, self) : self ? EMPTY_SET : undefined
    case 'list':
      return Array.isArray(value) ? listFields(value, shape.list, self) : self ? EMPTY_SET : undefined
    default:
      return shape satisfies never
  }
}

function mapFields(object: JsonObject, schema: Schema, self: boolean): FieldSet | undefined {
  const builder = new NodeBuilder(self)
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (value === undefined) continue
    const isEmpty = value === null || (isBlank(value) && isJsonObject(value))
    const node = valueFields(value, memberSchema(schema, key), isEmpty || !isNamedField(schema, key))
    if (node !== undefined) builder.add(fieldElement(key), node)
  }
  return builder.build()
}

/** An item that is there more than once is owned as a whole, with all its copies. */
function listFields(items: readonly unknown[], list: ListSchema, self: boolean): FieldSet | undefined {
  const builder = new NodeBuilder(self)
  for (const [element, copies] of elementsOf(items, list)) {
    builder.add(element, copies.length > 1 ? EMPTY_SET : (valueFields(copies[0], list.items, true) ?? EMPTY_SET))
  }
  return builder.build()
}

/** The items of a merged list by their element; most have one copy. Items of a wrong type have none; nobody can own an item without keys. */
export function elementsOf(items: readonly unknown[], list: ListSchema): ReadonlyMap<PathElement, readonly unknown[]> {
  const elements = new Map<PathElement, unknown[]>()
  for (const item of items) {
    const element = itemElement(item, list)
    if (element === undefined) {
      if (list.listType === 'map' && isJsonObject(item)) throw new UnfitVersion([withoutKeys(list)])
      continue
    }
    const copies = elements.get(element)
    if (copies === undefined) elements.set(element, [item])
    else copies.push(item)
  }
  return elements
}

/**
 * Every path of a value, its own and those of all structs in it included: what changes when the value comes or goes as a
 * whole. What an item that is there more than once contains is not told apart.
 */
export function allFields(value: unknown, schema: Schema): FieldSet {
  const shape = shapeOf(schema, value)
  if (shape.kind === 'leaf' || (isBlank(value) && !hasUnset(schema, value))) return EMPTY_SET
  if (shape.kind === 'map') return isJsonObject(value) ? allMembers(value, schema) : EMPTY_SET
  const builder = new NodeBuilder(true)
  const { list } = shape
  for (const [element, copies] of elementsOf(itemsOf(value), list)) {
    builder.add(element, copies.length > 1 ? EMPTY_SET : allFields(copies[0], list.items))
  }
  return builder.build() ?? EMPTY_SET
}

/** An empty struct may be one whose fields were never set: those that are written as null then come and go with it. */
function hasUnset(schema: Schema, value: unknown): boolean {
  return schema.kind === 'object' && isJsonObject(value) && nullsOf(schema).length > 0
}

/** Names sort as their elements do, and are cheaper to sort. */
function allMembers(object: JsonObject, schema: Schema): FieldSet {
  const node: Record<PathElement, FieldSet> = { '.': EMPTY_SET }
  const unset = schema.kind === 'object' ? nullsOf(schema).filter((name) => object[name] === undefined) : []
  for (const key of inOrder([...Object.keys(object).filter((name) => object[name] !== undefined), ...unset])) {
    node[fieldElement(key)] = allFields(object[key], memberSchema(schema, key))
  }
  return node
}

/** What has been looked up, by type: nobody can tell it from looking each time. */
const nullFields = new WeakMap<ObjectSchema, readonly string[]>()

/** Fields that are written as null when they were never set. */
function nullsOf(schema: ObjectSchema): readonly string[] {
  const known = nullFields.get(schema)
  if (known !== undefined) return known
  const names = [...schema.fields.values()].filter(({ zero }) => zero === null).map(({ name }) => name)
  nullFields.set(schema, names)
  return names
}

/** Sorts in place: few names, nearly in order. */
function inOrder(names: string[]): string[] {
  if (names.length > 32) return names.sort()
  for (let at = 1; at < names.length; at++) {
    const name = names[at] ?? ''
    let to = at
    for (; to > 0 && (names[to - 1] ?? '') > name; to--) names[to] = names[to - 1] ?? ''
    names[to] = name
  }
  return names
}

export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
