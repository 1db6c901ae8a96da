import { deepEqual, isJsonObject, type JsonObject, member, setMember } from '../meta/deep.ts'
import { goTypeName, goValue, jsonTypeName } from '../meta/go-format.ts'
import { statusError } from '../meta/status.ts'
import type { ObjectSchema, Schema } from '../schema/schema.ts'
import {
  ELEMENT_ORDER,
  forDirective,
  DELETE_FROM_LIST,
  PATCH,
  RETAIN_KEYS,
  withoutDirectives,
  withoutNullMembers,
} from './strategic-directives.ts'
import { checkElementOrder, inOrder, type Items, withMergedScalars, withoutScalars } from './strategic-lists.ts'
import { badPatch, noMergeKey, unknownPatchType } from './strategic-errors.ts'

/**
 * Applies a strategic merge patch: maps are merged, lists are merged by the key that the schema names or replaced, and
 * directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) say what that cannot. New items
 * of a merged list come first, before the item that the document has next.
 *
 * Neither argument is changed; the result shares what did not change with both. Throws a StatusError, 400 or 500, in
 * Kubernetes' words.
 */
export function strategicMergePatch(document: unknown, patch: unknown, schema: ObjectSchema): unknown {
  if (patch !== null && !isJsonObject(patch)) {
    throw statusError.badRequest(`json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type map[string]interface {}`)
  }
  return mergeMap(isJsonObject(document) ? document : {}, patch ?? {}, schema)
}

/** Always a new object. */
function mergeMap(original: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const directive = member(patch, PATCH)
  if (directive !== undefined) return replacedMap(directive, patch)
  const retained = retainedKeys(patch)
  const result: JsonObject = {}
  for (const key of Object.keys(original)) if (retained === undefined || retained.has(key)) setMember(result, key, original[key])

  const ordered = mergeOrderedLists(result, patch, schema)
  for (const key of Object.keys(patch)) {
    if (key === ORDER_OF_NOTHING) throw badPatch(`expected a []interface {}, but received a ${restoredType(patch[key])}`, 500)
    if (key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || ordered.has(key)) continue
    const listName = forDirective(key, DELETE_FROM_LIST)
    if (listName === undefined) mergeMember(result, key, patch[key], schema)
    else deleteFromList(result, listName, patch[key], schema)
  }
  return result
}

/** A directive that names no list. */
const ORDER_OF_NOTHING = '$setElementOrder'
const restoredType = (value: unknown): string =>
  typeof value === 'number' ? (Number.isInteger(value) ? 'int64' : 'float64') : jsonTypeName(value)

function replacedMap(directive: unknown, patch: JsonObject): JsonObject {
  if (directive === 'delete') return {}
  if (directive !== 'replace') throw unknownPatchType(directive, patch)
  const result: JsonObject = {}
  for (const key of Object.keys(patch)) if (key !== PATCH) setMember(result, key, patch[key])
  return result
}

/** The members that stay, when the patch says so: those of a union that is switched over. */
function retainedKeys(patch: JsonObject): ReadonlySet<unknown> | undefined {
  const list = member(patch, RETAIN_KEYS)
  if (list === undefined) return undefined
  if (!Array.isArray(list)) throw badPatch('invalid patch format of retainKeys')
  const retained = new Set<unknown>(list)
  for (const key of Object.keys(patch)) {
    const isDirective = key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || key.startsWith(DELETE_FROM_LIST)
    if (!isDirective && patch[key] !== null && !retained.has(key)) throw badPatch('invalid patch format of retainKeys')
  }
  return retained
}

function mergeMember(result: JsonObject, key: string, value: unknown, schema: Schema): void {
  if (value === null) {
    delete result[key]
    return
  }
  const current = member(result, key)
  if (isJsonObject(value) && isJsonObject(current)) {
    const below = fieldSchema(schema, key)
    setMember(result, key, below.kind === 'object' && below.isReplaced === true ? value : mergeMap(current, value, below))
  } else if (Array.isArray(value) && Array.isArray(current)) setMember(result, key, mergeList(current, value, fieldSchema(schema, key)))
  else {
    const added = withoutDirectives(withoutNullMembers(value))
    if (added === undefined) delete result[key]
    else setMember(result, key, added)
  }
}

/** Throws when the type has no such field: the patch names something that can be in no object. */
function fieldSchema(schema: Schema, key: string): Schema {
  switch (schema.kind) {
    case 'object': {
      const found = schema.fields.get(key)?.schema ?? schema.others ?? (schema.keepUnknown ? ANY : undefined)
      if (found === undefined) throw unknownField(schema.name ?? '', key)
      return found
    }
    case 'map':
      throw badPatch('merging an object in json but data type is not struct, instead is: map', 500)
    case 'any':
      if (schema.objects !== undefined) return schema.objects
      // What is kept as it came has no fields that anybody knows.
      if (schema.name !== undefined) throw unknownField(schema.name, key)
      return ANY
    default:
      throw badPatch(`unable to find api field in ${schema.kind} for the json field ${JSON.stringify(key)}`, 500)
  }
}

const ANY: Schema = { kind: 'any' }
const unknownField = (type: string, key: string): Error =>
  badPatch(`unable to find api field in struct ${type} for the json field ${JSON.stringify(key)}`, 500)

function mergeList(original: Items, patch: Items, schema: Schema): Items {
  if (schema.kind !== 'list' || schema.mergeKey === undefined) return patch
  if (original.length === 0 && patch.length === 0) return original
  const { mergeKey } = schema
  if (elementKind(original, patch) !== 'map') {
    return inOrder(withMergedScalars(original, patch), patch, original, '')
  }
  if (mergeKey === '') throw badPatch('cannot merge lists without merge key for struct', 500)
  const special = withSpecialItems(original, patch, mergeKey)
  const items = [...special.original]
  for (const item of special.patch) {
    const key = keyOf(item, mergeKey)
    const at = items.findIndex((candidate) => isJsonObject(candidate) && sameKey(member(candidate, mergeKey), key))
    const current = items[at]
    if (isJsonObject(current) && isJsonObject(item)) items[at] = mergeMap(current, item, schema.items)
    else items.push(item)
  }
  return inOrder(items, special.patch, special.original, mergeKey)
}

const sameKey = (a: unknown, b: unknown): boolean => a !== undefined && deepEqual(a, b)

function keyOf(item: unknown, mergeKey: string): unknown {
  const key = isJsonObject(item) ? member(item, mergeKey) : undefined
  if (key === undefined) throw noMergeKey(item, mergeKey)
  return key
}

/** Carries out the items that are instructions: `{$patch: delete, name: x}` and `{$patch: replace}`. */
function withSpecialItems(original: Items, patch: Items, mergeKey: string): { original: Items; patch: Items } {
  let remaining = original
  let replace = false
  const ordinary: unknown[] = []
  for (const item of patch) {
    const directive = isJsonObject(item) ? member(item, PATCH) : undefined
    if (directive === undefined) ordinary.push(item)
    else if (directive === 'delete') {
      const key = keyOf(item, mergeKey)
      remaining = remaining.filter((candidate) => !isJsonObject(candidate) || !sameKey(member(candidate, mergeKey), key))
    } else if (directive === 'replace') replace = true
    else if (directive === 'merge') throw badPatch('merging lists cannot yet be specified in the patch', 500)
    else throw unknownPatchType(directive, item)
  }
  return replace ? { original: ordinary, patch: [] } : { original: remaining, patch: ordinary }
}

/** All items are of the type of the first one. */
function elementKind(...lists: readonly Items[]): 'map' | 'scalar' {
  const [first, ...others] = lists.flat().map((item) => restoredType(item))
  if (first === undefined) throw badPatch('no elements in any of the given slices', 500)
  if (first === 'array') throw badPatch('lists of lists are not supported', 422)
  if (others.some((type) => type !== first)) throw badPatch(`list element types are not identical: ${goValue(lists)}`, 500)
  return first === 'object' ? 'map' : 'scalar'
}

/** A list as it is merged, whatever its type says of being replaced. */
const asMerged = (schema: Schema): Schema => (schema.kind === 'list' ? { ...schema, mergeKey: schema.mergeKey ?? '' } : schema)

function deleteFromList(result: JsonObject, key: string, patch: unknown, schema: Schema): void {
  if (patch === null) {
    delete result[key]
    return
  }
  const current = member(result, key)
  if (!Array.isArray(current) || !Array.isArray(patch) || current.length + patch.length === 0) return
  // Of a list of maps there is nothing that could be taken out by its value: it is merged.
  if (elementKind(current, patch) === 'map') setMember(result, key, mergeList(current, patch, asMerged(fieldSchema(schema, key))))
  else setMember(result, key, withoutScalars(current, patch))
}

/**
 * Lists whose order the patch gives: merges their patch, if there is one, and puts the items in that order. Returns the
 * members of the patch that are done with.
 */
function mergeOrderedLists(result: JsonObject, patch: JsonObject, schema: Schema): ReadonlySet<string> {
  const done = new Set<string>()
  for (const directive of Object.keys(patch)) {
    const key = forDirective(directive, ELEMENT_ORDER)
    if (key === undefined) continue
    const order = listOf(patch[directive])
    const current = member(result, key)
    const change = member(patch, key)
    const original = current === undefined ? undefined : listOf(current)
    const changed = change === undefined ? undefined : listOf(change)
    const listSchema = fieldSchema(schema, key)
    const mergeKey = listSchema.kind === 'list' ? (listSchema.mergeKey ?? '') : ''
    if (changed !== undefined) checkElementOrder(changed, order, mergeKey)
    const merged = mergedList(original, changed, listSchema)
    if (merged === undefined) continue
    elementKind(original ?? [], changed ?? [])
    setMember(result, key, inOrder(merged, order, original ?? [], mergeKey))
    done.add(key)
  }
  return done
}

function mergedList(original: Items | undefined, changed: Items | undefined, schema: Schema): Items | undefined {
  if (changed === undefined) return original
  if (original === undefined) return withoutDirectives(changed) as Items
  return mergeList(original, changed, schema)
}

function listOf(value: unknown): Items {
  if (!Array.isArray(value))
    throw badPatch(`expected a []interface {}, but received a ${value === null ? '%!s(<nil>)' : goTypeName(value)}`, 500)
  return value
}
