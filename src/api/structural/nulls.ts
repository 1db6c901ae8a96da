import { deepClone, isJsonObject, type JsonObject } from '../meta/deep.ts'
import { type JsonSchema, itemsOf, memberSchemaOf } from './json-schema.ts'

/**
 * `null` where the schema does not allow it becomes the default, where there is one; another one stays for validation to refuse. Members
 * with defaults have been filled in before. Changes the value in place; idempotent.
 */
export function settleNulls(value: unknown, schema: JsonSchema | undefined): void {
  settle(value, schema, false)
}

/** The same for what has just been read from a client's text: there such a member without a default was never said. */
export function dropNulls(value: unknown, schema: JsonSchema | undefined): void {
  settle(value, schema, true)
}

function settle(value: unknown, schema: JsonSchema | undefined, drops: boolean): void {
  if (schema === undefined) return
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (items === undefined) return
    for (let at = 0; at < value.length; at++) {
      if (value[at] === null && items.nullable !== true && items.default !== undefined) value[at] = deepClone(items.default)
      settle(value[at], items, drops)
    }
  } else if (isJsonObject(value)) settleMembers(value, schema, drops)
}

function settleMembers(value: JsonObject, schema: JsonSchema, drops: boolean): void {
  for (const key of Object.keys(value)) {
    const member = memberSchemaOf(schema, key)
    if (member === undefined) continue
    if (value[key] === null && member.nullable !== true) {
      if (member.default !== undefined) value[key] = deepClone(member.default)
      else if (drops) delete value[key]
    }
    settle(value[key], member, drops)
  }
}
