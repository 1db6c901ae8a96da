import { goText, goValue } from '../meta/go-format.ts'
import { REASONS, StatusError } from '../meta/status.ts'

/** A patch that cannot be carried out. A 500 has no reason, as in Kubernetes. */
export function badPatch(message: string, code = 400): StatusError {
  const reason = code === 400 ? REASONS.badRequest : code === 422 ? REASONS.invalid : undefined
  return new StatusError({ code, message, ...(reason === undefined ? {} : { reason }) })
}

export function noMergeKey(item: unknown, mergeKey: string): StatusError {
  return badPatch(`map: ${goValue(item)} does not contain declared merge key: ${mergeKey}`, 500)
}

export function unknownPatchType(directive: unknown, map: unknown): StatusError {
  return badPatch(`unknown patch type: ${goText(directive)} in map: ${goValue(map)}`, 500)
}
