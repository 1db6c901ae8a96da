import { isJsonObject, type JsonObject, setMember } from '../meta/deep.ts'

export const PATCH = '$patch'
export const RETAIN_KEYS = '$retainKeys'
export const ELEMENT_ORDER = '$setElementOrder/'
export const DELETE_FROM_LIST = '$deleteFromPrimitiveList/'

/** The list that a directive such as `$setElementOrder/containers` is about; undefined when it is another key. */
export function forDirective(key: string, prefix: string): string | undefined {
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined
}

/** A part of a patch as it is put where the document has nothing of its type. Undefined when it is an instruction itself. */
export function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined)
  if (!isJsonObject(value)) return value
  if (value[PATCH] !== undefined) return undefined
  const result: JsonObject = {}
  for (const key of Object.keys(value)) {
    const kept = withoutDirectives(value[key])
    if (kept !== undefined) setMember(result, key, kept)
  }
  return result
}

/** Nulls delete; where there is nothing to delete they are dropped. */
export function withoutNullMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullMembers)
  if (!isJsonObject(value)) return value
  const result: JsonObject = {}
  for (const key of Object.keys(value)) if (value[key] !== null) setMember(result, key, withoutNullMembers(value[key]))
  return result
}
