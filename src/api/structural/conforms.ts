import { isJsonObject } from '../meta/deep.ts'
import type { ObjectSchema, Schema } from '../schema/schema.ts'

/** Whether reading a stored value by this schema would leave it as it is: nothing unknown, no default missing, no null to settle. */
export function conforms(value: unknown, schema: Schema): boolean {
  switch (schema.kind) {
    case 'object':
      return !isJsonObject(value) || membersConform(value, schema)
    case 'map':
      return (
        !isJsonObject(value) || Object.values(value).every((member) => isSettled(member, schema.values) && conforms(member, schema.values))
      )
    case 'list':
      return !Array.isArray(value) || value.every((item) => item !== null && conforms(item, schema.items))
    default:
      return true
  }
}

function isSettled(value: unknown, schema: Schema): boolean {
  return value !== null || schema.nullable === true
}

function membersConform(value: Readonly<Record<string, unknown>>, schema: ObjectSchema): boolean {
  for (const key in value) {
    const field = schema.fields.get(key)
    const member = field?.schema ?? schema.others
    if (member === undefined) {
      if (schema.keepUnknown !== true) return false
      continue
    }
    if (!isSettled(value[key], member)) return false
    // Built-in types (metadata) are written in their own form and read back as they were.
    if (member.kind === 'object' && member.name === 'ObjectMeta') continue
    if (!conforms(value[key], member)) return false
  }
  for (const field of schema.fields.values()) if (field.default !== undefined && value[field.name] === undefined) return false
  return true
}
