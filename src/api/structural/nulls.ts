import { deepClone, isJsonObject, type JsonObject } from '../meta/deep.ts'
import { type JsonSchema, itemsOf, memberSchemaOf } from './json-schema.ts'

/**
 * What becomes of `null` where the schema does not allow it: the default where there is one, nothing for a member, and in a list it
 * stays for validation to refuse. Members with defaults have been filled in before. Changes the value in place; idempotent.
 */
export function settleNulls(value: unknown, schema: JsonSchema | undefined): void {
  if (schema === undefined) return
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (items === undefined) return
    for (let at = 0; at < value.length; at++) {
      if (value[at] === null && items.nullable !== true && items.default !== undefined) value[at] = deepClone(items.default)
      settleNulls(value[at], items)
    }
  } else if (isJsonObject(value)) settleMembers(value, schema)
}

function settleMembers(value: JsonObject, schema: JsonSchema): void {
  for (const key of Object.keys(value)) {
    const member = memberSchemaOf(schema, key)
    if (member === undefined) continue
    if (value[key] === null && member.nullable !== true) {
      if (member.default === undefined) delete value[key]
      else value[key] = deepClone(member.default)
    }
    settleNulls(value[key], member)
  }
}
