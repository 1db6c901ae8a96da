import { type JsonObject, isJsonObject } from '../meta/deep.ts'
import { StatusError } from '../meta/status.ts'
import { InapplicablePatch, jsonPatch } from '../patch/json-patch.ts'

/** Applies a JSON patch. Undefined: a test in it found another value, so that nothing is changed. A text: what does not work. */
export function patchBySteps(object: JsonObject, operations: readonly unknown[]): JsonObject | string | undefined {
  try {
    const patched = jsonPatch(object, operations)
    return isJsonObject(patched) ? patched : 'JSON Patch: the result is not an object'
  } catch (error) {
    if (error instanceof InapplicablePatch) return error.isTest ? undefined : `JSON Patch: ${error.why}`
    if (error instanceof StatusError) return `JSON Patch: ${error.message}`
    throw error
  }
}
