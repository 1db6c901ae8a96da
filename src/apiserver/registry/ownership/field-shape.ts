import { type ListSchema, type ObjectSchema, type Schema, isShared } from '#api'
import { SIGNS, type ShapeNode, type ShapeTree, type Token } from './shape-tree.ts'

/**
 * The place in the tree that is the same for objects whose fields are owned alike: which fields there are, which keys the maps have,
 * which items the keyed lists and sets, which fields have the value that stands for none. Other values do not matter. Undefined for objects with free-form parts. It costs a small part of
 * working the ownership out, and most objects that are created look like one that was created before.
 */
export function fieldShape(tree: ShapeTree, schema: ObjectSchema, object: object): ShapeNode | undefined {
  return ofObject(tree, tree.begin(), schema, object as Values)
}

type Values = Readonly<Record<string, unknown>>
type Place = ShapeNode | undefined

function ofObject(tree: ShapeTree, from: ShapeNode, schema: ObjectSchema, values: Values): Place {
  if (schema.keepUnknown || schema.others !== undefined) return undefined
  let at = from
  for (const name in values) {
    const child = values[name]
    if (child === undefined) continue
    const field = schema.fields.get(name)
    if (field === undefined) return undefined
    at = tree.step(at, name)
    if (typeof child !== 'object') {
      // A field that is as if it had never been set is not owned.
      if (child === field.zero) at = tree.step(at, SIGNS.empty)
      continue
    }
    const next =
      child === null
        ? tree.step(at, SIGNS.null)
        : isShared(child)
          ? ofPart(tree, at, field.schema, child)
          : ofValue(tree, at, field.schema, child)
    if (next === undefined) return undefined
    at = next
  }
  return tree.step(at, SIGNS.end)
}

/** Where walks over shared parts have led, by where they began: nobody can tell it from walking. */
const walks = new WeakMap<object, WeakMap<ShapeNode, ShapeNode>>()

function ofPart(tree: ShapeTree, from: ShapeNode, schema: Schema, part: object): Place {
  let known = walks.get(part)
  const before = known?.get(from)
  if (before !== undefined) return before
  const to = ofValue(tree, from, schema, part)
  if (to === undefined) return undefined
  if (known === undefined) walks.set(part, (known = new WeakMap()))
  known.set(from, to)
  return to
}

function ofValue(tree: ShapeTree, from: ShapeNode, schema: Schema, value: object): Place {
  switch (schema.kind) {
    case 'object':
      return schema.atomic ? atomic(tree, from, value) : ofObject(tree, from, schema, value as Values)
    case 'map':
      return schema.atomic ? atomic(tree, from, value) : ofMap(tree, from, schema.values, value as Values)
    case 'list':
      if (schema.listType === 'atomic') return atomic(tree, from, value)
      return Array.isArray(value) ? ofList(tree, from, schema, value) : undefined
    case 'any':
      return undefined
    default:
      return from
  }
}

/** Owned as one value; only whether it is empty can make a difference. */
function atomic(tree: ShapeTree, from: ShapeNode, value: object): ShapeNode {
  for (const _ in value) return from
  return tree.step(from, SIGNS.empty)
}

function ofMap(tree: ShapeTree, from: ShapeNode, values: Schema, map: Values): Place {
  let at = from
  for (const key in map) {
    const child = map[key]
    at = tree.step(at, key)
    if (typeof child !== 'object') continue
    const next = child === null ? tree.step(at, SIGNS.null) : ofValue(tree, at, values, child)
    if (next === undefined) return undefined
    at = next
  }
  return tree.step(at, SIGNS.end)
}

function ofList(tree: ShapeTree, from: ShapeNode, schema: ListSchema, list: readonly unknown[]): Place {
  let at = from
  for (const item of list) {
    if (schema.listType === 'set') {
      if (!isToken(item)) return undefined
      at = tree.step(at, item)
      continue
    }
    if (typeof item !== 'object' || item === null) return undefined
    for (const key of schema.listKeys) {
      const value = (item as Values)[key] ?? null
      if (!isToken(value)) return undefined
      at = tree.step(at, value)
    }
    const next = ofValue(tree, at, schema.items, item)
    if (next === undefined) return undefined
    at = next
  }
  return tree.step(at, SIGNS.end)
}

function isToken(value: unknown): value is Token {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
