import type { Field, ObjectSchema, Schema } from '../schema.ts'
import { isObject, itemGoType } from './types.ts'

/**
 * Why a document that a strategic merge patch has made is not one of the kind, in the words of the converter that Kubernetes reads such
 * documents with (they never were text, so its JSON decoder has no part in it). Undefined when all values have the right form; what is
 * left (numbers out of range, texts that are no quantity) the decoder tells. Fields that are those of `original` (the same reference)
 * are not looked at.
 */
export function restoreProblem(schema: ObjectSchema, value: unknown, original?: object): string | undefined {
  if (!isObject(value)) return `cannot restore struct from: ${goKind(value)}`
  const known = original as Readonly<Record<string, unknown>> | undefined
  // Objects have a few of the fields of their type: only when one of them is wrong does the order of the type matter.
  for (const name in value) {
    if (value[name] === known?.[name]) continue
    const field = schema.fields.get(name)
    if (field !== undefined && fieldProblem(field, value) !== undefined) return firstProblem(schema, value)
  }
  return undefined
}

function firstProblem(schema: ObjectSchema, value: Readonly<Record<string, unknown>>): string | undefined {
  for (const field of schema.fields.values()) {
    const problem = fieldProblem(field, value)
    if (problem !== undefined) return problem
  }
  return undefined
}

function fieldProblem({ name, schema, goType = '' }: Field, value: Readonly<Record<string, unknown>>): string | undefined {
  const child = value[name]
  return child === undefined || child === null ? undefined : ofValue(schema, goType, child)
}

function ofValue(schema: Schema, goType: string, value: unknown): string | undefined {
  if (value === null) return undefined
  switch (schema.kind) {
    case 'object':
      return restoreProblem(schema, value)
    case 'map':
      if (!isObject(value)) return `cannot restore map from ${goKind(value)}`
      return first(Object.values(value), (item) => ofValue(schema.values, itemGoType(goType, schema.values), item))
    case 'list':
      if (!Array.isArray(value)) return `cannot restore slice from ${goKind(value)}`
      return first(value, (item) => ofValue(schema.items, itemGoType(goType, schema.items), item))
    case 'string':
      if (typeof value === 'string') return undefined
      return Number.isInteger(value) ? `cannot convert int64 to ${goType}` : 'unrecognized type: string'
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'unrecognized type: bool'
    case 'integer':
      if (typeof value !== 'number')
        return `unrecognized type: ${goType === 'int32' || goType === 'int64' ? goType : (schema.format ?? 'int64')}`
      return Number.isInteger(value) ? undefined : `cannot convert float64 to ${goType}`
    case 'number':
      return typeof value === 'number' ? undefined : 'unrecognized type: float64'
    case 'bytes':
      // A list is read item by item, each of which would have to be a byte.
      if (Array.isArray(value)) return value.every((item) => typeof item === 'number') ? undefined : 'unrecognized type: uint8'
      return typeof value === 'string' ? undefined : `cannot restore slice from ${goKind(value)}`
    default:
      // Types that read themselves.
      return undefined
  }
}

function first(items: readonly unknown[], check: (item: unknown) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = check(item)
    if (problem !== undefined) return problem
  }
  return undefined
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'slice'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return 'map'
}
