import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { itemsOf, type JsonSchema } from '../../structural/json-schema.ts'

const LIST_TYPE = 'x-kubernetes-list-type'
const LIST_KEYS = 'x-kubernetes-list-map-keys'
const MAP_TYPE = 'x-kubernetes-map-type'

/** What server-side apply is told of lists and maps. */
export function validateListWords(schema: JsonSchema, path: Path, errors: FieldErrors): void {
  const mapType = schema[MAP_TYPE]
  const listType = schema[LIST_TYPE]
  if (mapType !== undefined) {
    requireType(schema, 'object', MAP_TYPE, path, errors)
    if (mapType !== 'atomic' && mapType !== 'granular')
      errors.push(fieldError.notSupported(path.child(MAP_TYPE), mapType, ['atomic', 'granular']))
  }
  if (listType !== undefined && requireType(schema, 'array', LIST_TYPE, path, errors) && listType === 'set')
    validateSetItems(itemsOf(schema), path.child('items'), errors)
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) {
    errors.push(fieldError.notSupported(path.child(LIST_TYPE), listType, ['atomic', 'set', 'map']))
  }
  if ((schema[LIST_KEYS] ?? []).length > 0 && listType !== 'map') {
    const detail = `must be map if ${LIST_KEYS} is non-empty`
    errors.push(
      listType === undefined
        ? fieldError.required(path.child(LIST_TYPE), detail)
        : fieldError.invalid(path.child(LIST_TYPE), listType, detail),
    )
  }
  if (listType === 'map') validateMapItems(schema, path, errors)
  if (listType === 'map' || listType === 'set') validateItemWords(schema, listType, path.child('items'), errors)
}

function requireType(schema: JsonSchema, type: string, word: string, path: Path, errors: FieldErrors): boolean {
  if (schema.type === type) return true
  const detail = `must be ${type} if ${word} is specified`
  errors.push(
    (schema.type ?? '') === ''
      ? fieldError.required(path.child('type'), detail)
      : fieldError.invalid(path.child('type'), schema.type, detail),
  )
  return false
}

/** Items of a set are compared as a whole. */
function validateSetItems(items: JsonSchema | undefined, path: Path, errors: FieldErrors): void {
  const detail = `must be atomic as item of a list with ${LIST_TYPE}=set`
  if (items?.type === 'array' && items[LIST_TYPE] !== undefined && items[LIST_TYPE] !== 'atomic') {
    errors.push(fieldError.invalid(path.child(LIST_TYPE), items[LIST_TYPE], detail))
  }
  if (items?.type === 'object' && items[MAP_TYPE] !== 'atomic')
    errors.push(fieldError.invalid(path.child(MAP_TYPE), items[MAP_TYPE], detail))
}

function validateMapItems(schema: JsonSchema, path: Path, errors: FieldErrors): void {
  const keys = schema[LIST_KEYS] ?? []
  if (keys.length === 0) errors.push(fieldError.required(path.child(LIST_KEYS), `must not be empty if ${LIST_TYPE} is map`))
  if (schema.items === undefined) errors.push(fieldError.required(path.child('items'), `must have a schema if ${LIST_TYPE} is map`))
  const items = itemsOf(schema)
  if (items === undefined) return
  if (items.type !== 'object') {
    errors.push(
      fieldError.invalid(path.child('items').child('type'), items.type ?? '', `must be object if parent array's ${LIST_TYPE} is map`),
    )
    return
  }
  keys.forEach((key, i) => {
    const property = items.properties?.[key]
    if (property === undefined) errors.push(fieldError.invalid(path.child(LIST_KEYS), keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') {
      const at = path.child('items').child('properties').key(key).child('type')
      // What is shown is the type of the items.
      errors.push(fieldError.invalid(at, items.type, `must be a scalar type if parent array's ${LIST_TYPE} is map`))
    }
    if (keys.indexOf(key) < i) errors.push(fieldError.invalid(path.child(LIST_KEYS), keys, 'must not contain duplicate entries'))
  })
}

/** An item always has its keys, and is never null. */
function validateItemWords(schema: JsonSchema, listType: 'map' | 'set', path: Path, errors: FieldErrors): void {
  const items = itemsOf(schema)
  if (items === undefined) return
  if (items.nullable === true)
    errors.push(fieldError.forbidden(path.child('nullable'), `cannot be nullable when ${LIST_TYPE} is ${listType}`))
  if (listType === 'set') return
  for (const key of schema[LIST_KEYS] ?? []) {
    const property = items.properties?.[key]
    if (property === undefined) continue
    const at = path.child('properties').key(key)
    if (!(items.required ?? []).includes(key) && (property.default === undefined || property.default === null)) {
      errors.push(
        fieldError.required(at.child('default'), `this property is in ${LIST_KEYS}, so it must have a default or be a required property`),
      )
    }
    if (property.nullable === true)
      errors.push(fieldError.forbidden(at.child('nullable'), `this property is in ${LIST_KEYS}, so it cannot be nullable`))
  }
}
