import { deepClone, isJsonObject, type JsonObject } from '../meta/deep.ts'
import type { KubeObject } from '../meta/object.ts'
import { ANNOTATIONS_MAX_BYTES } from '../validation/object-meta.ts'
import { byteLength } from '../validation/names.ts'
import { checkApplied } from './check-applied.ts'
import { compareFields } from './compare-fields.ts'
import { difference, isEmptySet } from './set/field-set.ts'
import { fieldsOf } from './owned-fields.ts'
import type { OwnershipConflict, OwnershipRequest } from './ownership.ts'

/** Where `kubectl apply` without --server-side keeps what it applied. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const KUBECTL = 'kubectl'

function annotation(object: KubeObject): string {
  return object.metadata?.annotations?.[LAST_APPLIED] ?? ''
}

/**
 * The conflicts of kubectl that are not about fields it applied itself on the client's side and that are still so: a move
 * from client-side to server-side apply is no conflict.
 */
export function conflictsOutsideLastApplied(
  request: OwnershipRequest,
  live: KubeObject,
  conflicts: readonly OwnershipConflict[],
): OwnershipConflict[] {
  const { schema, apiVersion } = request
  const last = parsed(annotation(live))
  if (last === undefined || last['apiVersion'] !== apiVersion || checkApplied(last, schema).length > 0) return [...conflicts]
  const { changed, removed } = compareFields(last, live, schema)
  const allowed = difference(difference(fieldsOf(last, schema), changed), removed)
  return conflicts
    .map(({ manager, fields }) => ({ manager, fields: difference(fields, allowed) }))
    .filter(({ fields }) => !isEmptySet(fields))
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Keeps the annotation right when kubectl applies on the server's side to an object that has it. A new object when it does. */
export function withLastApplied(request: OwnershipRequest & { readonly applied: KubeObject }, object: KubeObject): KubeObject {
  if (request.manager !== KUBECTL || annotation(object) === '') return object
  const annotations = { ...object.metadata?.annotations, [LAST_APPLIED]: textOf(request.applied) }
  const bytes = Object.entries(annotations).reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0)
  if (bytes > ANNOTATIONS_MAX_BYTES) delete (annotations as Partial<typeof annotations>)[LAST_APPLIED]
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** As kubectl and the server write it: keys sorted, the characters of HTML escaped, a line break at the end. */
function textOf(applied: KubeObject): string {
  const object = deepClone(applied)
  delete object.metadata?.annotations?.[LAST_APPLIED]
  const json = JSON.stringify(sorted(object))
  return `${json.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  )
}
