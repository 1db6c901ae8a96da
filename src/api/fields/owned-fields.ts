import { isJsonObject, type JsonObject } from '../meta/deep.ts'
import type { ListSchema, ObjectSchema, Schema } from '../schema/schema.ts'
import { EMPTY_SET, type FieldSet, NodeBuilder } from './field-set.ts'
import { fieldElement, itemElement, type PathElement } from './path-element.ts'
import { isBlank, isNamedField, memberSchema, shapeOf } from './shape.ts'

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

/** The items of a merged list by their element; most have one copy. Items of a wrong type have none. */
export function elementsOf(items: readonly unknown[], list: ListSchema): Map<PathElement, unknown[]> {
  const elements = new Map<PathElement, unknown[]>()
  for (const item of items) {
    const element = itemElement(item, list)
    if (element === undefined) continue
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
  if (isBlank(value)) return EMPTY_SET
  const shape = shapeOf(schema, value)
  if (shape.kind === 'leaf') return EMPTY_SET
  const builder = new NodeBuilder(true)
  if (shape.kind === 'map') {
    if (!isJsonObject(value)) return EMPTY_SET
    for (const key of Object.keys(value)) {
      const below = value[key]
      if (below !== undefined) builder.add(fieldElement(key), allFields(below, memberSchema(schema, key)))
    }
  } else if (Array.isArray(value)) {
    const { list } = shape
    for (const [element, copies] of elementsOf(value, list)) builder.add(element, copies.length > 1 ? EMPTY_SET : allFields(copies[0], list.items))
  }
  return builder.build() ?? EMPTY_SET
}
