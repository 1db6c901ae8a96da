import { JsonSyntaxError, SampanError, readJson, readYaml } from '#base'
import {
  DecodeError,
  type Field,
  type ApplyRequest,
  type FieldSet,
  type KubeObject,
  type ObjectSchema,
  Path,
  StatusError,
  apiVersionOf,
  decodeObject,
  deepClone,
  fieldError,
  isShared,
  jsonPatch,
  mergePatch,
  restoreProblem,
  serverSideApply,
  statusError,
  strategicMergePatch,
  unrestorable,
} from '#api'
import type { Catalog } from '../catalog.ts'
import type { RequestContext } from '../context.ts'
import { goMap, patchedText, sortedText } from './patch-text.ts'
import { type ExpectedKind, type ReadValue, checkCustomType, decodeDraft, fieldProblems, finishDraft } from '../write/read-object.ts'
import { RoutingRefusal } from '../routing-errors.ts'
import { goKind, kindProblem, misreadKind, readAsSaid } from '../write/said-kind.ts'
import type { WriteOptions } from '../options.ts'
import { plainError } from '../write/object-rules.ts'

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
}

/** Throws `StatusError` 415. Custom resources know no strategic merge, and have no router in front of them that says what there is. */
export function patchTypeOf(contentType: string | undefined, strategic: boolean): PatchType {
  // In its own letters, unlike the types of other bodies.
  const type = PATCH_TYPES[(contentType ?? '').split(';')[0] ?? '']
  if (type !== undefined && (strategic || type !== 'strategic')) return type
  if (strategic)
    throw new RoutingRefusal({ code: 415, reason: 'UnsupportedMediaType', message: '415: Unsupported Media Type', details: {} })
  throw new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message:
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  })
}

/** A patch that has been read and can be applied to one state of the object after the other. */
export interface PreparedPatch {
  /** The patched object, decoded and defaulted, as a new draft. Each call of `copy` gives a document that may be changed. */
  apply(copy: () => KubeObject): KubeObject
}

type SimpleType = Exclude<PatchType, 'apply'>

export function preparePatch(
  context: RequestContext,
  expected: ExpectedKind,
  type: SimpleType,
  bytes: Uint8Array,
  options: WriteOptions,
): PreparedPatch {
  let known: ReadValue | undefined
  return {
    apply: (copy) => {
      // Read when there is an object that it can be applied to: one that is missing is told first.
      const read = (known ??= type === 'merge' && options.fieldValidation === 'Ignore' ? readUnchecked(bytes) : readPatch(type, bytes))
      const document = copy()
      const value = ownChanges(patchDocument(type, document, read, expected.schema), document)
      // Decoding changes the document, and what the patch put into it: what they were is worked out again when a message needs it.
      const text = (): string => {
        const original = copy()
        const sent = readPatch(type, bytes)
        const patched = patchDocument(type, original, sent, expected.schema)
        return expected.typedItems ? sortedText(patched) : patchedText(patched, original, type === 'json' ? sentValues(sent.value) : [])
      }
      const shown = (): string => (type === 'strategic' ? goMap(read.value) : text())
      if (expected.typedItems) checkCustomPatched(context, expected, value as KubeObject, options)
      if (type === 'strategic') {
        const problem = restoreProblem(expected.schema, value, document)
        if (problem !== undefined) throw invalidPatch(shown(), problem)
      }
      const isRead = type !== 'strategic' && !expected.typedItems
      const other = (isRead ? misreadKind(value) : undefined) ?? otherKind(context.core.catalog, expected, value)
      if (other !== undefined) throw invalidPatch(shown(), other)
      if (isRead && saysNoVersion(value)) throw statusError.badRequest(nameless(document.metadata?.name ?? ''))
      try {
        const { object, unknown } = decodeObject(
          expected.schema,
          value,
          undefined,
          expected.typedItems ? undefined : document,
          type === 'strategic',
        )
        if (options.fieldValidation !== 'Ignore') report(context, problemsOf(type, read, unknown, text), options, shown)
        return finishDraft(expected, object)
      } catch (error) {
        // A patched object that cannot be read is the patch's fault.
        if (!(error instanceof DecodeError)) throw error
        throw invalidPatch(shown(), type === 'strategic' ? error.message : (problemInOrder(expected.schema, text()) ?? error.message))
      }
    },
  }
}

/** What says no version is read by Kubernetes as what it holds in memory, which finds nothing there that is named as in the API. */
const saysNoVersion = (value: unknown): boolean => ((value as KubeObject | null)?.apiVersion ?? '') === ''
const nameless = (name: string): string => `the name of the object (${name} based on URL) was undeterminable: name must be provided`

/** Of several problems, the one that comes first in the document as it is written out. */
function problemInOrder(schema: ObjectSchema, text: string): string | undefined {
  try {
    const { value, literals } = readJson(Buffer.from(text))
    decodeObject(schema, value, literals)
    return undefined
  } catch (error) {
    if (error instanceof DecodeError) return error.message
    throw error
  }
}

/** What the operations of a JSON patch put in. */
function sentValues(patch: unknown): readonly unknown[] {
  return Array.isArray(patch) ? patch.map((operation: { readonly value?: unknown } | null) => operation?.value) : []
}

/** What a patch has changed of a shared part is the draft's own: decoding writes to it. */
function ownChanges(patched: unknown, document: KubeObject): unknown {
  if (typeof patched !== 'object' || patched === null) return patched
  const value = patched as Record<string, unknown>
  const before = document as Readonly<Record<string, unknown>>
  for (const name in value) if (value[name] !== before[name] && isShared(before[name])) value[name] = deepClone(value[name])
  return value
}

function readPatch(type: SimpleType, bytes: Uint8Array): ReadValue {
  try {
    return readJson(bytes)
  } catch (error) {
    if (error instanceof JsonSyntaxError)
      throw statusError.badRequest(type === 'strategic' ? error.message : `error decoding patch: ${error.message}`)
    throw error
  }
}

/** Who wants no validation is told less: that it is no patch. A list takes the place of the document. */
function readUnchecked(bytes: Uint8Array): ReadValue {
  let read: ReadValue
  try {
    read = readJson(bytes)
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw statusError.badRequest(NO_PATCH)
    throw error
  }
  const { value } = read
  if (Array.isArray(value)) throw invalidPatch(JSON.stringify(value), misreadKind(value) ?? '')
  if (value !== null && typeof value !== 'object') throw statusError.badRequest(NO_PATCH)
  return read
}
const NO_PATCH = 'Invalid JSON Patch'

function patchDocument(type: SimpleType, document: KubeObject, patch: ReadValue, schema: ObjectSchema): unknown {
  switch (type) {
    case 'json':
      return jsonPatch(document, patch.value)
    case 'merge':
      return mergePatch(document, patch.value)
    case 'strategic':
      return strategicMergePatch(document, patch.value, schema)
    default:
      return type satisfies never
  }
}

/** What another version does not have is named even though the document is refused for being of that version. */
function checkCustomPatched(context: RequestContext, expected: ExpectedKind, patched: KubeObject, options: WriteOptions): void {
  const { apiVersion = '', kind = '' } = patched
  if (kind === '') {
    const text = JSON.stringify(patched)
    throw invalidPatch(text, `Object 'Kind' is missing in '${text}'`)
  }
  const isSibling = apiVersion !== apiVersionOf(expected) && apiVersion.startsWith(`${expected.group}/`)
  if (options.fieldValidation !== 'Ignore' && isSibling) {
    const served = context.core.catalog.findKind(expected.group, apiVersion.slice(expected.group.length + 1), expected.kind)
    const schema = served?.schema ?? UNKNOWN_VERSION
    for (const path of decodeObject(schema, structuredClone(patched)).unknown) context.warn(`unknown field ${JSON.stringify(path)}`)
  }
  checkCustomType(expected, patched)
}

/** What is known of a version that is not served: that it has metadata. */
const UNKNOWN_VERSION: ObjectSchema = {
  kind: 'object',
  fields: new Map(
    ['apiVersion', 'kind', 'metadata'].map((name): [string, Field] => [name, { name, schema: { kind: 'any' }, required: false }]),
  ),
}

/** Why the patched document is of another kind than the path's; undefined when it is not. */
function otherKind(catalog: Catalog, expected: ExpectedKind, patched: unknown): string | undefined {
  if (typeof patched !== 'object' || patched === null) return undefined
  const { kind, apiVersion } = patched as KubeObject
  if (typeof (kind ?? '') !== 'string' || typeof apiVersion !== 'string' || apiVersion === '') return undefined
  // Without a kind it is of the path's, in the version that it says.
  const said = { kind: (kind ?? '') === '' ? expected.kind : (kind ?? ''), apiVersion }
  const problem = kindProblem(catalog, expected, said)
  return problem === undefined ? undefined : (readAsSaid(catalog, said, patched).refusal ?? problem)
}

const JSON_PATCH_FIELDS = new Set(['op', 'path', 'from', 'value'])

/** Fields that occur twice in the patch, then those that are not known in what it makes. */
function problemsOf(type: SimpleType, patch: ReadValue, unknown: readonly string[], text: () => string): string[] {
  if (unknown.length === 0 && patch.duplicates.length === 0 && type !== 'json') return []
  if (type === 'strategic')
    return [...fieldProblems(patch, []), ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`).toSorted()]
  const result = unknown.length === 0 ? [] : fieldProblems({ ...readJson(Buffer.from(text())), duplicates: [] }, unknown)
  if (type === 'merge') return [...patch.duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`), ...result]
  const inPatch = patch.duplicates.map((path) => `json patch duplicate field ${JSON.stringify(path)}`)
  for (const [at, operation] of (Array.isArray(patch.value) ? patch.value : []).entries()) {
    for (const name of Object.keys(operation ?? {}))
      if (!JSON_PATCH_FIELDS.has(name)) inPatch.push(`json patch unknown field ${JSON.stringify(`[${at}].${name}`)}`)
  }
  return [...inPatch, ...result]
}

function report(context: RequestContext, problems: readonly string[], options: WriteOptions, shown: () => string): void {
  if (problems.length === 0) return
  if (options.fieldValidation === 'Strict') throw invalidPatch(shown(), `strict decoding error: ${problems.join(', ')}`)
  for (const problem of problems) context.warn(problem)
}

function invalidPatch(value: string, why: string): Error {
  return statusError.invalid({ group: '', kind: '' }, '', [fieldError.invalid(Path.of('patch'), value, why)])
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
  target: {
    readonly namespace: string
    readonly name: string
    readonly subresource: string
    readonly namespaced: boolean
    readonly resetFields: FieldSet
    readonly versions: ApplyRequest['versions']
  },
  bytes: Uint8Array,
  options: WriteOptions,
): PreparedApply {
  const { applied, repeats } = readApplied(bytes)
  const meta = identityOf(applied.metadata)
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
        versions: target.versions,
      })
      if (repeats.length > 0 && options.fieldValidation === 'Strict')
        throw statusError.badRequest(
          `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ${repeats.join('\n  ')}`,
        )
      if (options.fieldValidation === 'Warn') for (const repeat of repeats) context.warn(repeat)
      const draft = restored(context, expected, applied, structuredClone(object))
      checkIdentity(target, draft)
      return draft
    },
  }
}

/** The merged document as an object of the kind. */
function restored(context: RequestContext, expected: ExpectedKind, applied: KubeObject, value: KubeObject): KubeObject {
  if (expected.typedItems)
    return decodeDraft(context, expected, { value, duplicates: [], places: () => [] }, 'Ignore', () => plainError(500, ''))
  const problem = restoreProblem(expected.schema, value)
  if (problem !== undefined) throw unrestorable(applied, problem)
  try {
    return finishDraft(expected, decodeObject(expected.schema, value, undefined, undefined, true).object)
  } catch (error) {
    if (error instanceof DecodeError) throw unrestorable(applied, error.message)
    throw error
  }
}

function readApplied(bytes: Uint8Array): { readonly applied: KubeObject & Record<string, unknown>; readonly repeats: readonly string[] } {
  let value: unknown
  let repeats: readonly string[]
  try {
    const read = readYaml(bytes)
    value = read.value
    repeats = read.places().flatMap(({ told }) => told ?? [])
  } catch (error) {
    if (error instanceof SampanError) throw statusError.badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`)
    throw error
  }
  if (value === undefined || value === null) return { applied: {}, repeats }
  if (typeof value !== 'object' || Array.isArray(value)) {
    const what = `json: cannot unmarshal ${goKind(value)} into Go value of type map[string]interface {}`
    throw statusError.badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${what}`)
  }
  return { applied: value as KubeObject & Record<string, unknown>, repeats }
}

/** What the client says of the object it means. What has another type than it should is not there: the merge names it. */
function identityOf(metadata: unknown): { readonly uid: string | undefined; readonly resourceVersion: string | undefined } {
  const meta = typeof metadata === 'object' && metadata !== null ? (metadata as Readonly<Record<string, unknown>>) : {}
  const { uid, resourceVersion } = meta
  return {
    uid: typeof uid === 'string' ? uid : undefined,
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : undefined,
  }
}

/** Throws `StatusError` 400 when the applied object is not the path's. */
function checkIdentity(
  target: { readonly namespace: string; readonly name: string; readonly namespaced: boolean },
  { metadata }: KubeObject,
): void {
  const { name = '', namespace = '' } = metadata ?? {}
  if (target.namespaced && namespace !== '' && namespace !== target.namespace) {
    throw statusError.badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  if (name === '')
    throw statusError.badRequest(`the name of the object (${target.name} based on URL) was undeterminable: name must be provided`)
  if (name !== target.name)
    throw statusError.badRequest(`the name of the object (${name}) does not match the name on the URL (${target.name})`)
}
