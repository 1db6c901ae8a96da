import { JsonSyntaxError, SampanError, readJson, readYaml } from '#base'
import { type FieldSet, type KubeObject, type ObjectSchema, Path, apiVersionOf, fieldError, jsonPatch, mergePatch, serverSideApply, statusError, strategicMergePatch } from '#api'
import { StatusError } from '#api'
import type { RequestContext } from './context.ts'
import { type ExpectedKind, type ReadValue, decodeDraft } from './read-object.ts'
import type { WriteOptions } from './options.ts'
import { plainError } from './object-rules.ts'

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
}

/** Throws `StatusError` 415. Custom resources know no strategic merge. */
export function patchTypeOf(contentType: string | undefined, strategic: boolean): PatchType {
  const type = PATCH_TYPES[(contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '']
  if (type === undefined) throw new StatusError({ code: 415, reason: 'UnsupportedMediaType', message: '415: Unsupported Media Type', details: {} })
  if (type === 'strategic' && !strategic) {
    throw new StatusError({
      code: 415,
      reason: 'UnsupportedMediaType',
      message: 'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    })
  }
  return type
}

/** A patch that has been read and can be applied to one state of the object after the other. */
export interface PreparedPatch {
  /** The patched object, decoded and defaulted, as a new draft. `document` belongs to the call and may be changed. */
  apply(document: KubeObject): KubeObject
}

export function preparePatch(context: RequestContext, expected: ExpectedKind, type: Exclude<PatchType, 'apply'>, bytes: Uint8Array, options: WriteOptions): PreparedPatch {
  const read = readPatch(bytes)
  return {
    apply: (document) => {
      const patched = patchDocument(type, document, read, expected.schema)
      const result: ReadValue = { value: patched, duplicates: read.duplicates, places: () => (type === 'json' ? [] : read.places()) }
      return decodePatched(context, expected, result, options, (problems) =>
        invalidPatch(type === 'strategic' ? goMap(read.value) : JSON.stringify(patched), `strict decoding error: ${problems.join(', ')}`),
      )
    },
  }
}

function readPatch(bytes: Uint8Array): ReadValue {
  try {
    return readJson(bytes)
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw statusError.badRequest(`error decoding patch: ${error.message}`)
    throw error
  }
}

function patchDocument(type: Exclude<PatchType, 'apply'>, document: KubeObject, patch: ReadValue, schema: ObjectSchema): unknown {
  switch (type) {
    case 'json':
      return jsonPatch(document, patch.value as never)
    case 'merge':
      return mergePatch(document, patch.value as never)
    case 'strategic':
      return strategicMergePatch(document as never, patch.value as never, schema)
    default:
      return type satisfies never
  }
}

function decodePatched(
  context: RequestContext,
  expected: ExpectedKind,
  read: ReadValue,
  options: WriteOptions,
  strict: (problems: readonly string[]) => Error,
): KubeObject {
  try {
    return decodeDraft(context, expected, read, options.fieldValidation, strict)
  } catch (error) {
    // A patched object that cannot be read is the patch's fault.
    if (error instanceof StatusError && error.status.code === 400) {
      const at = error.message.indexOf(': ')
      throw invalidPatch(JSON.stringify(read.value), error.message.slice(at + 2))
    }
    throw error
  }
}

function invalidPatch(value: string, why: string): Error {
  return statusError.invalid({ group: '', kind: '' }, '', [fieldError.invalid(Path.of('patch'), value, why)])
}

/** A value as Go's `%v` shows a map. */
function goMap(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `map[${entries.map(([key, one]) => `${key}:${goMap(one)}`).join(' ')}]`
  }
  return value === null ? '<nil>' : String(value)
}

/** What an apply wants: read and checked against the path before any object is looked at. */
export interface PreparedApply {
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
  apply(live: KubeObject | undefined): KubeObject
}

export function prepareApply(
  context: RequestContext,
  expected: ExpectedKind,
  target: { readonly namespace: string; readonly name: string; readonly subresource: string; readonly namespaced: boolean; readonly resetFields: FieldSet },
  bytes: Uint8Array,
  options: WriteOptions,
): PreparedApply {
  const applied = readApplied(bytes)
  checkApplied(expected, target, applied)
  const meta = (applied.metadata ?? {}) as NonNullable<KubeObject['metadata']>
  if (target.namespaced) meta.namespace = target.namespace
  return {
    uid: meta.uid,
    resourceVersion: meta.resourceVersion,
    apply: (live) => {
      const object = serverSideApply({
        schema: expected.schema,
        live,
        applied,
        kind: expected.kind,
        manager: options.fieldManager,
        force: options.force,
        apiVersion: apiVersionOf(expected),
        subresource: target.subresource,
        now: context.scope.clock.now(),
        resetFields: target.resetFields,
      })
      const read: ReadValue = { value: structuredClone(object), duplicates: [], places: () => [] }
      return decodeDraft(context, expected, read, 'Ignore', () => plainError(500, ''))
    },
  }
}

function readApplied(bytes: Uint8Array): KubeObject & Record<string, unknown> {
  let value: unknown
  try {
    value = readYaml(bytes).value
  } catch (error) {
    if (error instanceof SampanError) throw statusError.badRequest(`error decoding YAML: ${error.message}`)
    throw error
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw statusError.badRequest('error decoding YAML: the patch is not an object')
  return value as KubeObject & Record<string, unknown>
}

function checkApplied(expected: ExpectedKind, target: { readonly namespace: string; readonly name: string; readonly namespaced: boolean }, applied: KubeObject): void {
  const apiVersion = typeof applied.apiVersion === 'string' ? applied.apiVersion : ''
  const kind = typeof applied.kind === 'string' ? applied.kind : ''
  if (apiVersion !== apiVersionOf(expected) || kind !== expected.kind) {
    const slash = apiVersion.indexOf('/')
    const group = slash === -1 ? '' : apiVersion.slice(0, slash)
    throw statusError.badRequest(`invalid object type: ${group}/${apiVersion.slice(slash + 1)}, Kind=${kind}`)
  }
  const meta = applied.metadata
  if ((meta?.managedFields ?? []).length > 0) throw statusError.badRequest('metadata.managedFields must be nil')
  const name = meta?.name ?? ''
  if (name === '') throw statusError.badRequest(`the name of the object (${target.name} based on URL) was undeterminable: name must be provided`)
  if (name !== target.name) throw statusError.badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`)
  const namespace = meta?.namespace ?? ''
  if (target.namespaced && namespace !== '' && namespace !== target.namespace) {
    throw statusError.badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}
