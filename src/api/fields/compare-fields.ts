import { deepEqual, isJsonObject, type JsonObject, member } from '../meta/deep.ts'
import type { ListSchema, ObjectSchema, Schema } from '../schema/schema.ts'
import { EMPTY_SET, type FieldSet, isMember, NodeBuilder, recursiveDifference } from './set/field-set.ts'
import { allFields, elementsOf, itemsOf } from './owned-fields.ts'
import { fieldElement, type PathElement } from './set/path-element.ts'
import { isBlank, memberSchema, shapeOf } from './shape.ts'

/** What differs between two objects, as paths. */
export interface FieldChanges {
  /** Added, or there in both with another value. */
  readonly changed: FieldSet
  readonly removed: FieldSet
}

/**
 * Compares two objects over their schema. What the wire format writes for a field that was never set (`{}`, `""`, `null`)
 * counts as there in both. Nothing at or below a path of `ignored` is looked at. Parts that are the same reference cost
 * nothing.
 */
export function compareFields(live: object, updated: object, schema: ObjectSchema, ignored?: FieldSet): FieldChanges {
  if (live === updated) return { changed: EMPTY_SET, removed: EMPTY_SET }
  const changed = new NodeBuilder(false)
  const removed = new NodeBuilder(false)
  compareMembers(live as JsonObject, updated as JsonObject, schema, changed, removed, ignored)
  return { changed: changed.build() ?? EMPTY_SET, removed: removed.build() ?? EMPTY_SET }
}

type Ignored = FieldSet | undefined

function compareMembers(
  live: JsonObject,
  updated: JsonObject,
  schema: Schema,
  changed: NodeBuilder,
  removed: NodeBuilder,
  ignored: Ignored,
): void {
  for (const key of Object.keys(updated)) {
    const value = updated[key]
    const before = member(live, key)
    if (value === before || value === undefined) continue
    compareMember(key, before === undefined ? zeroOf(schema, key) : before, value, schema, changed, removed, ignored)
  }
  for (const key of Object.keys(live)) {
    const before = live[key]
    if (before === undefined || member(updated, key) !== undefined) continue
    compareMember(key, before, zeroOf(schema, key), schema, changed, removed, ignored)
  }
}

/** What an absent field stands for. */
function zeroOf(schema: Schema, key: string): unknown {
  return schema.kind === 'object' ? schema.fields.get(key)?.zero : undefined
}

function compareMember(
  key: string,
  before: unknown,
  value: unknown,
  schema: Schema,
  changed: NodeBuilder,
  removed: NodeBuilder,
  ignored: Ignored,
): void {
  const element = fieldElement(key)
  const below = ignored?.[element]
  if (below !== undefined && isMember(below)) return
  compareValue(element, before, value, memberSchema(schema, key), changed, removed, below)
}

/** Compares what is at an element on both sides; `undefined` is not there. */
function compareValue(
  element: PathElement,
  before: unknown,
  value: unknown,
  schema: Schema,
  changed: NodeBuilder,
  removed: NodeBuilder,
  ignored: Ignored,
): void {
  if (before === value) return
  if (before === undefined) return changed.add(element, withoutIgnored(allFields(value, schema), ignored))
  if (value === undefined) return removed.add(element, withoutIgnored(allFields(before, schema), ignored))
  const shape = shapeOf(schema, value)
  const former = schema.kind === 'any' ? shapeOf(schema, before) : shape
  if ((shape.kind === 'leaf' && former.kind === 'leaf') || (isBlank(before) && isBlank(value))) {
    if (!deepEqual(before, value)) changed.add(element, EMPTY_SET)
    return
  }
  // A value without a schema that turned from a map into something else, or back, is also changed itself.
  const changedBelow = new NodeBuilder(shape.kind !== former.kind)
  const removedBelow = new NodeBuilder(false)
  if (shape.kind === 'list') compareItems(itemsOf(before), itemsOf(value), shape.list, changedBelow, removedBelow)
  else comparePart(before, value, schema, changedBelow, removedBelow, ignored)
  const changedNode = changedBelow.build()
  if (changedNode !== undefined) changed.add(element, changedNode)
  const removedNode = removedBelow.build()
  if (removedNode !== undefined) removed.add(element, removedNode)
}

function withoutIgnored(fields: FieldSet, ignored: Ignored): FieldSet {
  return ignored === undefined ? fields : recursiveDifference(fields, ignored)
}

/** Two maps, one of which may be something else: then it has no members, and no zero values either. */
function comparePart(before: unknown, value: unknown, schema: Schema, changed: NodeBuilder, removed: NodeBuilder, ignored: Ignored): void {
  const isMap = isJsonObject(before)
  if (isMap && isJsonObject(value)) return compareMembers(before, value, schema, changed, removed, ignored)
  const members = isMap ? before : isJsonObject(value) ? value : {}
  for (const key of Object.keys(members)) {
    const one = members[key]
    if (one === undefined) continue
    if (isMap) compareMember(key, one, undefined, schema, changed, removed, ignored)
    else compareMember(key, undefined, one, schema, changed, removed, ignored)
  }
}

function compareItems(
  before: readonly unknown[],
  items: readonly unknown[],
  list: ListSchema,
  changed: NodeBuilder,
  removed: NodeBuilder,
): void {
  const old = elementsOf(before, list)
  const now = elementsOf(items, list)
  for (const [element, copies] of now) compareCopies(element, old.get(element) ?? [], copies, list.items, changed, removed)
  for (const [element, copies] of old) if (!now.has(element)) compareCopies(element, copies, [], list.items, changed, removed)
}

/** Items that are there more than once are compared as one value. */
function compareCopies(
  element: PathElement,
  before: readonly unknown[],
  now: readonly unknown[],
  schema: Schema,
  changed: NodeBuilder,
  removed: NodeBuilder,
): void {
  if (before.length <= 1 && now.length <= 1) return compareValue(element, before[0], now[0], schema, changed, removed, undefined)
  if (before.length > 1 && now.length > 1) {
    if (!deepEqual(before, now)) changed.add(element, EMPTY_SET)
  } else if (before.length > 1) {
    if (now.length === 1) changed.add(element, allFields(now[0], schema))
    removed.add(element, EMPTY_SET)
  } else {
    if (before.length === 1) removed.add(element, allFields(before[0], schema))
    changed.add(element, EMPTY_SET)
  }
}
