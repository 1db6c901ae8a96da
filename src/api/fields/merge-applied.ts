import { isJsonObject, type JsonObject, member, setMember } from '../meta/deep.ts'
import type { ListSchema, ObjectSchema, Schema } from '../schema/schema.ts'
import { itemElement, type PathElement } from './set/path-element.ts'
import { isBlank, isRaw, memberSchema, shapeOf } from './shape.ts'

/**
 * The live object with the applied one laid over it: leaves of the applied object win, maps and lists are joined. In a joined
 * list the applied items keep the order in which they were applied, the others their place among those they share with it.
 * Neither argument is changed; the result shares parts of both.
 */
export function mergeApplied(live: object, applied: object, schema: ObjectSchema): JsonObject {
  return mergeMembers(live as JsonObject, applied as JsonObject, schema)
}

function mergeValue(live: unknown, applied: unknown, schema: Schema): unknown {
  if (applied === undefined || live === applied) return live
  if (live === undefined) return applied
  const shape = shapeOf(schema, applied)
  if (shape.kind === 'leaf') return applied === null && schema.kind === 'any' && keepsMap(schema, live) ? live : applied
  if (isBlank(live)) return applied
  if (shape.kind === 'list') {
    if (!Array.isArray(live)) return applied
    return Array.isArray(applied) && applied.length > 0 ? mergeItems(live, applied, shape.list) : live
  }
  if (!isJsonObject(live)) return applied
  return isJsonObject(applied) && !isBlank(applied) ? mergeMembers(live, applied, schema) : live
}

/** A null without a schema leaves a map as it is, unless it is owned as a whole. */
const keepsMap = (schema: Schema, live: unknown): boolean => isJsonObject(live) && !isBlank(live) && !isRaw(schema)

function mergeMembers(live: JsonObject, applied: JsonObject, schema: Schema): JsonObject {
  const result: JsonObject = {}
  for (const key of Object.keys(live)) setMember(result, key, mergeValue(live[key], member(applied, key), memberSchema(schema, key)))
  for (const key of Object.keys(applied)) if (!Object.hasOwn(live, key)) setMember(result, key, applied[key])
  return result
}

function mergeItems(live: readonly unknown[], applied: readonly unknown[], list: ListSchema): unknown[] {
  const liveElements = live.map((item) => itemElement(item, list))
  const appliedElements = applied.map((item) => itemElement(item, list))
  const places = new Map(appliedElements.map((element, at) => [element, at]))
  const sources = uniqueItems(live, liveElements)

  const result: unknown[] = []
  let next = 0
  const take = (end: number): void => {
    for (; next < end; next++) {
      const element = appliedElements[next]
      const source = element === undefined ? undefined : sources.get(element)
      result.push(mergeValue(source, applied[next], list.items))
    }
  }
  // The shared item that comes next in the applied order; live items of that order are met again there.
  const shared = appliedElements.map((element) => element !== undefined && liveElements.includes(element))
  const nextShared = (): number => shared.indexOf(true, next)
  for (const [at, element] of liveElements.entries()) {
    const place = element === undefined ? undefined : places.get(element)
    if (place === undefined) {
      result.push(live[at])
      continue
    }
    if (place < next || place !== nextShared()) continue
    take(place + 1)
  }
  take(applied.length)
  return result
}

/** The items by their element. Those that are there more than once are not merged with anything. */
function uniqueItems(items: readonly unknown[], elements: readonly (PathElement | undefined)[]): Map<PathElement, unknown> {
  const unique = new Map<PathElement, unknown>()
  const repeated = new Set<PathElement>()
  for (const [at, element] of elements.entries()) {
    if (element === undefined) continue
    if (unique.has(element)) repeated.add(element)
    unique.set(element, items[at])
  }
  for (const element of repeated) unique.delete(element)
  return unique
}
