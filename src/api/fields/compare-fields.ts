import { deepEqual, isJsonObject, type JsonObject, member } from '../meta/deep.ts'
import type { ListSchema, ObjectSchema, Schema } from '../schema/schema.ts'
import { EMPTY_SET, type FieldSet, isMember, NodeBuilder } from './field-set.ts'
import { fieldElement, itemElement, type PathElement } from './path-element.ts'
import { isBlank, memberSchema, type Shape, shapeOf } from './shape.ts'

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
export function compareFields(live: object, updated: object, schema: ObjectSchema, ...ignored: readonly FieldSet[]): FieldChanges {
  if (live === updated) return { changed: EMPTY_SET, removed: EMPTY_SET }
  const changed = new NodeBuilder(false)
  const removed = new NodeBuilder(false)
  compareMembers(live as JsonObject, updated as JsonObject, schema, changed, removed, ignored)
  return { changed: changed.build() ?? EMPTY_SET, removed: removed.build() ?? EMPTY_SET }
}

type Ignored = readonly (FieldSet | undefined)[]
const NONE_IGNORED: Ignored = []

function compareMembers(live: JsonObject, updated: JsonObject, schema: Schema, changed: NodeBuilder, removed: NodeBuilder, ignored: Ignored): void {
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
  if (ignored.length === 0) return compareValue(element, before, value, memberSchema(schema, key), changed, removed, NONE_IGNORED)
  const below = ignored.map((set) => set?.[element])
  if (below.some((node) => node !== undefined && isMember(node))) return
  const remaining = below.some((node) => node !== undefined) ? below : NONE_IGNORED
  compareValue(element, before, value, memberSchema(schema, key), changed, removed, remaining)
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
  const shape = shapeOf(schema, value)
  const former = schema.kind === 'any' ? shapeOf(schema, before) : shape
  const isWalked = (shape.kind !== 'leaf' || former.kind !== 'leaf') && !(isBlank(before) && isBlank(value))
  if (!isWalked) {
    if (before === undefined) changed.add(element, EMPTY_SET)
    else if (value === undefined) removed.add(element, EMPTY_SET)
    else if (!deepEqual(before, value)) changed.add(element, EMPTY_SET)
    return
  }
  // A value without a schema that turned from a map into something else, or back, is also changed itself.
  const turned = before !== undefined && value !== undefined && shape.kind !== former.kind
  const changedBelow = new NodeBuilder(before === undefined || turned)
  const removedBelow = new NodeBuilder(value === undefined)
  comparePart(shape.kind === 'leaf' ? former : shape, before, value, schema, changedBelow, removedBelow, ignored)
  const changedNode = changedBelow.build()
  if (changedNode !== undefined) changed.add(element, changedNode)
  const removedNode = removedBelow.build()
  if (removedNode !== undefined) removed.add(element, removedNode)
}

const NOTHING: JsonObject = Object.freeze({})

function comparePart(
  shape: Shape,
  before: unknown,
  value: unknown,
  schema: Schema,
  changed: NodeBuilder,
  removed: NodeBuilder,
  ignored: Ignored,
): void {
  if (shape.kind === 'list') {
    const old = Array.isArray(before) ? (before as readonly unknown[]) : []
    return compareItems(old, Array.isArray(value) ? (value as readonly unknown[]) : [], shape.list, changed, removed)
  }
  // The fields of a struct that is not there have no zero values either.
  if (!isJsonObject(before)) return addedMembers(isJsonObject(value) ? value : NOTHING, schema, changed, removed, ignored)
  if (!isJsonObject(value)) return removedMembers(before, schema, changed, removed, ignored)
  compareMembers(before, value, schema, changed, removed, ignored)
}

function addedMembers(value: JsonObject, schema: Schema, changed: NodeBuilder, removed: NodeBuilder, ignored: Ignored): void {
  for (const key of Object.keys(value)) {
    if (value[key] !== undefined) compareMember(key, undefined, value[key], schema, changed, removed, ignored)
  }
}

function removedMembers(before: JsonObject, schema: Schema, changed: NodeBuilder, removed: NodeBuilder, ignored: Ignored): void {
  for (const key of Object.keys(before)) {
    if (before[key] !== undefined) compareMember(key, before[key], undefined, schema, changed, removed, ignored)
  }
}

function compareItems(before: readonly unknown[], items: readonly unknown[], list: ListSchema, changed: NodeBuilder, removed: NodeBuilder): void {
  const old = byElement(before, list)
  const now = byElement(items, list)
  for (const [element, copies] of now) compareCopies(element, old.get(element) ?? [], copies, list.items, changed, removed)
  for (const [element, copies] of old) if (!now.has(element)) compareCopies(element, copies, [], list.items, changed, removed)
}

function byElement(items: readonly unknown[], list: ListSchema): Map<PathElement, unknown[]> {
  const map = new Map<PathElement, unknown[]>()
  for (const item of items) {
    const element = itemElement(item, list)
    if (element === undefined) continue
    const copies = map.get(element)
    if (copies === undefined) map.set(element, [item])
    else copies.push(item)
  }
  return map
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
  if (before.length <= 1 && now.length <= 1) return compareValue(element, before[0], now[0], schema, changed, removed, NONE_IGNORED)
  if (before.length > 1 && now.length > 1) {
    if (!deepEqual(before, now)) changed.add(element, EMPTY_SET)
  } else if (before.length > 1) {
    if (now.length === 1) compareValue(element, undefined, now[0], schema, changed, removed, NONE_IGNORED)
    removed.add(element, EMPTY_SET)
  } else {
    if (before.length === 1) compareValue(element, before[0], undefined, schema, changed, removed, NONE_IGNORED)
    changed.add(element, EMPTY_SET)
  }
}
