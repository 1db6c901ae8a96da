import { JsonSyntaxError, type Scope, messageOf, readJson } from '#base'
import {
  InapplicablePatch,
  type KubeObject,
  type Resource,
  apiVersionOf,
  applySchemaDefaults,
  decodeObject,
  deepEqual,
  jsonPatch,
  statusError,
} from '#api'
import type { AdmissionRequest } from '../../contract.ts'
import { goKind } from '../../registry/write/said-kind.ts'
import { CallFailure } from './call-hook.ts'
import { wireForm } from './review.ts'
import type { Convert } from './versions.ts'

/**
 * Changes the draft of the request by a webhook's JSON patch (base64), which speaks of the object in the version that the webhook was
 * shown. Unknown fields are dropped, defaults are filled in. True when something has changed.
 */
export async function applyHookPatch(
  scope: Scope,
  convert: Convert,
  request: AdmissionRequest,
  resource: Resource,
  webhook: string,
  patch: string,
): Promise<boolean> {
  const operations = parse(patch)
  if (operations.length === 0) return false
  const draft = request.object
  if (draft === undefined)
    throw statusError.internal(
      `admission webhook ${JSON.stringify(webhook)} attempted to modify the object, which is not supported for this operation`,
    )
  const before = wireForm(resource, await convert(scope, draft, request.resource, resource))
  let after: unknown
  try {
    after = jsonPatch(before, operations)
  } catch (error) {
    throw statusError.internal(error instanceof InapplicablePatch ? error.why : messageOf(error))
  }
  if (draft.kind === undefined || draft.kind === resource.kind) checkKind(resource, after as KubeObject | null)
  return changeDraft(scope, convert, request, resource, before, after)
}

/** Takes over what an object in this version has become. True when something has changed. Throws `StatusError` 500 for what is none. */
export async function changeDraft(
  scope: Scope,
  convert: Convert,
  request: AdmissionRequest,
  resource: Resource,
  before: unknown,
  after: unknown,
): Promise<boolean> {
  const draft = request.object
  if (draft === undefined || deepEqual(before, after)) return false
  replace(draft, await convert(scope, decoded(draft, resource, after), resource, request.resource))
  return true
}

function parse(patch: string): readonly unknown[] {
  let operations: unknown
  try {
    operations = readJson(Buffer.from(patch, 'base64')).value
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw undecodable(error.message)
    throw error
  }
  if (operations === null) return []
  if (!Array.isArray(operations)) throw undecodable(`json: cannot unmarshal ${goKind(operations)} into Go value of type jsonpatch.Patch`)
  for (const one of operations as unknown[])
    if (one !== null && (typeof one !== 'object' || Array.isArray(one)))
      throw undecodable(`json: cannot unmarshal ${goKind(one)} into Go value of type jsonpatch.Operation`)
  return operations
}

const undecodable = (why: string): CallFailure => new CallFailure(`received undecodable patch in webhook response: ${why}`)

/** The object of a subresource that speaks its own kind has no schema here: it is taken as it is. */
function decoded(draft: KubeObject, resource: Resource, value: unknown): KubeObject {
  const object = structuredClone(value) as KubeObject
  if (draft.kind !== undefined && draft.kind !== resource.kind) return object
  try {
    const { object: clean } = decodeObject(resource.schema, object)
    applySchemaDefaults(resource.schema, clean)
    resource.strategy.defaults?.(clean)
    return clean
  } catch (error) {
    throw statusError.internal(error instanceof Error ? error.message : String(error))
  }
}

/** A patch may not make another kind of the object; one that takes it away leaves it as it was, but for custom resources. */
function checkKind(resource: Resource, made: KubeObject | null): void {
  const { apiVersion = '', kind = '' } = made ?? {}
  const isLeft = resource.typedItems !== true && apiVersion === '' && kind === ''
  if (isLeft || (kind === resource.kind && apiVersion === apiVersionOf(resource))) return
  const said = `${apiVersion}, Kind=${kind}`
  throw statusError.internal(`an object of ${apiVersionOf(resource)}, Kind=${resource.kind} was made one of ${said}`)
}

function replace(draft: KubeObject, next: KubeObject): void {
  const fields = draft as Record<string, unknown>
  for (const key of Object.keys(fields)) delete fields[key]
  Object.assign(fields, next)
}
