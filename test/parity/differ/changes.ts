import type { Json, JsonObject } from '../corpus.ts'
import type { Schema, Schemas } from './schemas.ts'

/** One thing done to an object. */
export interface Change {
  readonly name: string
  readonly path: readonly (string | number)[]
  /** Undefined takes the field away. */
  readonly value: Json | undefined
}

const LONG = 'a'.repeat(254)
const STRINGS = ['', 'Not Valid!', 'x', 'UPPER', 'a/b', 'example.com/x', '-1', '0', '1.5', LONG, ' x', '10.0.0.1', 'A-b_c.d', '*']
const NUMBERS = [-1, 0, 1, 7, 65536, 2147483647, 2147483648, 1.5]

/** Every change of one field of the object, of fields that are there and of those that the schema knows beside them. */
export function changesOf(
  schemas: Schemas,
  root: Schema,
  object: JsonObject,
  seen: Set<string>,
  names: readonly string[],
): readonly Change[] {
  const changes: Change[] = []
  const add = (path: Change['path'], value: Json | undefined): void => {
    const at = path.join('.')
    changes.push({ name: value === undefined ? `without ${at}` : `${at} = ${JSON.stringify(value).slice(0, 60)}`, path, value })
  }
  const visit = (schema: Schema, value: Json, path: Change['path']): void => {
    const general = path.map((part) => (typeof part === 'number' ? '#' : part)).join('.')
    const isNew = !seen.has(general)
    seen.add(general)
    if (isNew && path.length > 0) {
      add(path, undefined)
      for (const other of othersOf(schema, value, names)) if (JSON.stringify(other) !== JSON.stringify(value)) add(path, other)
    }
    if (value === null || typeof value !== 'object') return
    for (const [key, item] of Array.isArray(value) ? value.entries() : Object.entries(value))
      if (!(path.length === 0 && (key === 'apiVersion' || key === 'kind')) && !(path[0] === 'metadata' && key === 'namespace'))
        visit(schemas.child(schema, key), item as Json, [...path, key])
    if (Array.isArray(value)) return
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      const at = `${general}.${key}`
      if (key in value || seen.has(at) || (path[0] === 'metadata' && path.length === 1)) continue
      seen.add(at)
      const followed = schemas.follow(property)
      for (const other of [schemas.example(followed, 3), ...othersOf(followed, undefined, names)]) add([...path, key], other)
      for (const part of partsOf(schemas, followed)) add([...path, key], part)
    }
  }
  visit(root, object, [])
  return changes
}

/** Objects with one field each, of an object that is not there, and lists of one such. */
function partsOf(schemas: Schemas, schema: Schema): readonly Json[] {
  if (schema.properties !== undefined)
    return Object.entries(schema.properties).map(([name, property]) => ({ [name]: schemas.example(property, 2) }))
  if (schema.type !== 'array') return []
  return partsOf(schemas, schemas.follow(schema.items)).map((part) => [part])
}

function othersOf(schema: Schema, value: Json | undefined, names: readonly string[]): readonly Json[] {
  const type = schema.type ?? (typeof value === 'number' ? 'integer' : typeof value)
  if (schema.format === 'int-or-string') return [null, ...NUMBERS, '50%', '101%', '-1%', 'x', '', {}, true]
  if (type === 'integer' || type === 'number') return [null, ...NUMBERS, '5', {}, true, ...(typeof value === 'number' ? [value + 1] : [])]
  if (type === 'boolean') return [null, true, false, 'true', 1]
  if (type === 'array') {
    const items = Array.isArray(value) ? value : []
    const [first] = items
    return [null, [], {}, 'x', [null], [{}], [''], ...(first === undefined ? [] : [[...items, first], items.slice(1)])]
  }
  if (type === 'object') {
    const odd = value !== null && typeof value === 'object' && !Array.isArray(value) ? { ...value, zzz: 1 } : { zzz: 1 }
    return [null, {}, [], 'x', odd]
  }
  return [null, ...STRINGS, ...(schema.enum ?? []), ...names, ...(typeof value === 'string' ? [`${value}x`] : []), 5, true, {}, []]
}

/** Changes a copy. Undefined when the path leads nowhere. */
export function changed(object: JsonObject, changes: readonly Change[]): JsonObject | undefined {
  const copy = structuredClone(object)
  for (const { path, value } of changes) {
    let at: Json | undefined = copy
    for (const part of path.slice(0, -1))
      at = at === null || at === undefined || typeof at !== 'object' ? undefined : (at as Record<string | number, Json>)[part]
    const last = path.at(-1)
    if (at === null || at === undefined || typeof at !== 'object' || last === undefined) return undefined
    if (value !== undefined) (at as Record<string | number, Json>)[last] = value
    else if (Array.isArray(at)) at.splice(Number(last), 1)
    else delete at[last]
  }
  return copy
}

/** As a JSON patch of the object. */
export function asPatch(object: JsonObject, { path, value }: Change): Json {
  const pointer = `/${path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
  let at: Json | undefined = object
  for (const part of path) at = at === null || typeof at !== 'object' ? undefined : (at as Record<string | number, Json>)[part]
  if (value === undefined) return [{ op: 'remove', path: pointer }]
  return [{ op: at === undefined ? 'add' : 'replace', path: pointer, value }]
}
