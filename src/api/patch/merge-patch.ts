import { isJsonObject, type JsonObject, member, setMember } from '../meta/deep.ts'
import { jsonTypeName } from '../meta/go-format.ts'
import { statusError } from '../meta/status.ts'

/**
 * Applies a merge patch (RFC 7386) to an object. Beyond the RFC, nulls are also dropped from objects inside lists that replace
 * something that is no object, as Kubernetes' library does.
 *
 * Neither argument is changed; the result shares what did not change with both. Throws a StatusError 400 when the patch is
 * no object.
 */
export function mergePatch(document: unknown, patch: unknown): unknown {
  if (patch === null) throw statusError.badRequest('Invalid JSON Patch')
  if (!isJsonObject(patch)) {
    throw statusError.badRequest(
      `error decoding patch: json: cannot unmarshal ${jsonTypeName(patch)} into Go value of type map[string]interface {}`,
    )
  }
  return merged(document, patch)
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(target)) return withoutNulls(patch)
  if (!isJsonObject(patch)) return patch
  const result: JsonObject = {}
  for (const key of Object.keys(target)) {
    if (!Object.hasOwn(patch, key)) setMember(result, key, target[key])
    else if (patch[key] !== null) setMember(result, key, merged(target[key], patch[key]))
  }
  for (const key of Object.keys(patch)) {
    if (patch[key] !== null && !Object.hasOwn(target, key)) setMember(result, key, withoutNulls(member(patch, key)))
  }
  return result
}

/** A new value: members that are null are left out, items that are null stay. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isJsonObject(value)) return value
  const result: JsonObject = {}
  for (const key of Object.keys(value)) if (value[key] !== null) setMember(result, key, withoutNulls(value[key]))
  return result
}
