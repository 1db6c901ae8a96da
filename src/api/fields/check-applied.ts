import { isJsonObject, type JsonObject } from '../meta/deep.ts'
import { goSyntax, goTypeName, goValue } from '../meta/go-format.ts'
import type { ListSchema, ObjectSchema, Schema } from '../schema/schema.ts'
import { elementText, fieldElement, itemElement, type PathElement, withoutKeys } from './set/path-element.ts'
import { ANY, memberSchema } from './shape.ts'

/**
 * What keeps an applied object from being merged, in Kubernetes' words: unknown fields, wrong types, items that are there
 * twice. Each reads `path: message`.
 */
export function checkApplied(object: object, schema: ObjectSchema): string[] {
  const errors: string[] = []
  check(object, schema, '', errors)
  return errors
}

function check(value: unknown, schema: Schema, path: string, errors: string[]): void {
  if (value === null || value === undefined) return
  const wrong = (expected: string, got: string): void => {
    errors.push(`${path}: expected ${expected}, got ${got}`)
  }
  switch (schema.kind) {
    case 'object':
    case 'map':
      return isJsonObject(value) ? checkMembers(value, schema, path, errors) : wrong('map', `&{${goValue(value)}}`)
    case 'list':
      return Array.isArray(value) ? checkItems(value, schema, path, errors) : wrong('list', `&{${goValue(value)}}`)
    case 'integer':
    case 'number':
      return typeof value === 'number' ? undefined : wrong('numeric (int or float)', goTypeName(value))
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wrong('boolean', `&{${goValue(value)}}`)
    case 'quantity':
    case 'time':
    case 'micro-time':
      return typeof value === 'object' ? wrong('any scalar', `&{${goValue(value)}}`) : undefined
    case 'any':
    // Without a type of its own: who reads it tells.
    case 'int-or-string':
      return
    case 'string':
    case 'duration':
    case 'bytes':
      return typeof value === 'string' ? undefined : wrong('string', `&value.valueUnstructured{Value:${goSyntax(value)}}`)
    default:
      return schema satisfies never
  }
}

function checkMembers(object: JsonObject, schema: Schema, path: string, errors: string[]): void {
  for (const key of Object.keys(object)) {
    const below = path + elementText(fieldElement(key))
    // An object of which nothing is said can hold anything here: what is not kept of it goes later.
    if (
      schema.kind === 'object' &&
      schema.fields.size > 0 &&
      !schema.fields.has(key) &&
      !schema.keepUnknown &&
      schema.others === undefined
    ) {
      errors.push(`${below}: field not declared in schema`)
      return
    }
    check(
      object[key],
      schema.kind === 'object' && schema.keepUnknown && !schema.fields.has(key) ? (schema.others ?? ANY) : memberSchema(schema, key),
      below,
      errors,
    )
  }
}

function checkItems(items: readonly unknown[], list: ListSchema, path: string, errors: string[]): void {
  const seen = new Set<PathElement>()
  for (const [at, item] of items.entries()) {
    const element = list.listType === 'atomic' ? `i:${at}` : itemElement(item, list)
    if (element === undefined) {
      errors.push(`${path}: element ${at}: ${unidentified(item, list)}`)
      return
    }
    if (seen.has(element)) errors.push(`${path}: duplicate entries for key ${elementText(element)}`)
    seen.add(element)
    check(item, list.items, path + elementText(element), errors)
  }
}

function unidentified(item: unknown, list: ListSchema): string {
  if (list.listType === 'map') {
    if (item === null) return 'associative list with keys may not have a null element'
    return isJsonObject(item) ? withoutKeys(list) : 'associative list with keys may not have non-map elements'
  }
  if (item === null) return "associative list without keys has an element that's an explicit null"
  return Array.isArray(item)
    ? 'not supported: associative list with lists as elements'
    : "associative list without keys has an element that's a map type"
}
