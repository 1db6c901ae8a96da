import { deepEqual, isJsonObject } from '../meta/deep.ts'
import { type JsonSchema, itemsOf, memberSchemaOf } from './json-schema.ts'
import { Result } from './validate/result.ts'
import { checkSchema } from './validate/schema.ts'

/**
 * The findings without those about parts that the update leaves alone: a schema that has become stricter does not get in the way of
 * changes elsewhere. Parts of lists are followed only where their items are known by keys.
 */
export function withoutRatcheted(result: Result, schema: JsonSchema, value: unknown, old: unknown): Result {
  if (result.isValid) return result
  return findings(schema, value, old, '')
}

function findings(schema: JsonSchema, value: unknown, old: unknown, at: string): Result {
  if (deepEqual(value, old)) return new Result()
  // What is said of the value itself, with its changed parts looked at one by one.
  const result = new Result()
  const own = checkSchema(withoutMembers(schema), value, at)
  result.merge(own)
  if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      const inner = memberSchemaOf(schema, key)
      if (inner === undefined) continue
      const place = at === '' && Object.hasOwn(schema.properties ?? {}, key) ? key : `${at}.${key}`
      const before = isJsonObject(old) ? old[key] : undefined
      result.merge(before === undefined ? checkSchema(inner, member, place) : findings(inner, member, before, place))
    }
  } else if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (items === undefined) return result
    value.forEach((item, i) => {
      const before = Array.isArray(old) ? correlated(schema, item, old) : undefined
      result.merge(before === undefined ? checkSchema(items, item, `${at}[${i}]`) : findings(items, item, before, `${at}[${i}]`))
    })
  }
  return result
}

function withoutMembers(schema: JsonSchema): JsonSchema {
  const { properties, additionalProperties, items: _, ...own } = schema
  const open = Object.fromEntries(Object.keys(properties ?? {}).map((name) => [name, {}]))
  return { ...own, properties: open, ...(additionalProperties === false ? { additionalProperties } : {}) }
}

/** The item of the old list with the same keys. */
function correlated(schema: JsonSchema, item: unknown, old: readonly unknown[]): unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !isJsonObject(item)) return undefined
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  return old.find((other) => isJsonObject(other) && keys.every((key) => deepEqual(other[key], item[key])))
}
