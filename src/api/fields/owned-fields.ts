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
  const byElement = new Map<PathElement, unknown[]>()
  for (const item of items) {
    const element = itemElement(item, list)
    if (element === undefined) continue
    const copies = byElement.get(element)
    if (copies === undefined) byElement.set(element, [item])
    else copies.push(item)
  }
  for (const [element, copies] of byElement) {
    builder.add(element, copies.length > 1 ? EMPTY_SET : (valueFields(copies[0], list.items, true) ?? EMPTY_SET))
  }
  return builder.build()
}
