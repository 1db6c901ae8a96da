import { SampanError, YamlSyntaxError, JsonSyntaxError, JsonTooLarge, DEFAULT_JSON_LIMITS, readJson, readYaml } from '#base'
import type { FieldPlace, NumberLiterals } from '#base'
import {
  type FieldErrors,
  type KubeObject,
  type ObjectSchema,
  type Resource,
  Path,
  applySchemaDefaults,
  apiVersionOf,
  decodeObject,
  decodeProtobuf,
  openEnvelope,
  fieldError,
  statusError,
} from '#api'
import { type Encoding, JSON_TYPE, YAML_TYPE, unsupportedBody } from '../../respond/media.ts'
import type { RequestContext } from '../context.ts'
import type { FieldValidation } from '../options.ts'
import { GO_TYPE_META, type SaidKind, goKind, kindProblem, misreadKind, readAsSaid } from './said-kind.ts'
import { type CutBody, cutSpec } from './shared-spec.ts'

/** What a path speaks. */
export interface ExpectedKind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly schema: ObjectSchema
  /** Custom resources say what they are in every body. */
  readonly typedItems?: boolean
  /** Versions that are no longer served and have the same fields: they are read as this one. */
  readonly formerVersions?: readonly string[]
}

/** A value with what reading its text has shown. */
export interface ReadValue {
  readonly value: unknown
  readonly duplicates: readonly string[]
  readonly literals?: NumberLiterals
  places(): readonly FieldPlace[]
}

/** Custom resources have no protobuf form. */
const CUSTOM_TYPES = [JSON_TYPE, YAML_TYPE]

/** Reads the object in a request's body, defaults from the schema included. The draft belongs to the caller. Throws `StatusError` 400. */
export function readObject(
  context: RequestContext,
  expected: ExpectedKind,
  bytes: Uint8Array,
  encoding: Encoding,
  validation: FieldValidation,
): KubeObject {
  if (encoding === 'protobuf') {
    if (expected.typedItems) throw unsupportedBody(CUSTOM_TYPES)
    checkKind(
      context,
      expected,
      fromProtobuf(expected, bytes, () => openEnvelope(bytes)),
      undefined,
      validation,
    )
    return finishDraft(
      expected,
      fromProtobuf(expected, bytes, () => decodeProtobuf(expected.schema, bytes).object),
    )
  }
  const read = encoding === 'json' ? fromJson(expected, bytes) : fromYaml(expected, bytes)
  const value = rootOf(expected, read.value, bytes)
  const { kind, apiVersion } = expected.typedItems ? customTypeOf(expected, value, bytes) : typeOf(expected, value, bytes)
  checkKind(context, expected, { kind, apiVersion }, { ...read, value }, validation)
  const strict = (problems: readonly string[]): Error =>
    cannotBeHandled(expected, apiVersion, kind, `strict decoding error: ${problems.join(', ')}`)
  return decodeDraft(context, expected, { ...read, value }, validation, strict, apiVersion)
}

/** Turns a JSON value into an object of the kind. `strict` makes the refusal when `validation` does not allow unknown or repeated fields. */
export function decodeDraft(
  context: RequestContext,
  expected: ExpectedKind,
  read: ReadValue,
  validation: FieldValidation,
  strict: (problems: readonly string[]) => Error,
  apiVersion = apiVersionOf(expected),
): KubeObject {
  let decoded: { readonly object: KubeObject; readonly unknown: readonly string[] }
  try {
    decoded = decodeObject(expected.schema, read.value, read.literals)
  } catch (error) {
    if (error instanceof SampanError && error.code === 'DECODE') throw cannotBeHandled(expected, apiVersion, expected.kind, error.message)
    throw error
  }
  if (validation !== 'Ignore' && (decoded.unknown.length > 0 || read.duplicates.length > 0)) {
    const problems = expected.typedItems ? customProblems(read, decoded.unknown) : fieldProblems(read, decoded.unknown)
    if (validation === 'Strict') throw strict(problems)
    for (const problem of problems) context.warn(problem)
  }
  return finishDraft(expected, decoded.object)
}

/** The type that the path says, and the defaults of the schema. */
export function finishDraft(expected: ExpectedKind, object: KubeObject): KubeObject {
  object.kind = expected.kind
  object.apiVersion = apiVersionOf(expected)
  object.metadata ??= {}
  applySchemaDefaults(expected.schema, object)
  return object
}

/** Repeated fields in the order of the text, then the unknown ones in the order in which the parts of a custom resource are read. */
export function customProblems(read: ReadValue, unknown: readonly string[]): string[] {
  return [...fieldProblems(read, []), ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`)]
}

/** Unknown and repeated fields, in the order of the text. */
export function fieldProblems(read: ReadValue, unknown: readonly string[]): string[] {
  const unknownPaths = new Set(unknown)
  const problems: string[] = []
  const told = new Set<string>()
  for (const { path, duplicate, told: words } of read.places()) {
    if (duplicate) problems.push(words ?? `duplicate field ${JSON.stringify(path)}`)
    else if (unknownPaths.has(path) && !told.has(path)) {
      told.add(path)
      problems.push(`unknown field ${JSON.stringify(path)}`)
    }
  }
  for (const path of unknown) if (!told.has(path)) problems.push(`unknown field ${JSON.stringify(path)}`)
  return problems
}

/** The same for a new object: its spec is shared with the others that have the same, where its kind allows it. */
export function readNew(
  context: RequestContext,
  resource: Resource,
  bytes: Uint8Array,
  encoding: Encoding,
  validation: FieldValidation,
): KubeObject {
  const cut = encoding === 'json' ? cutSpec(context.core.caches.parts, resource, bytes) : undefined
  if (cut !== undefined) {
    const object = readCut(context, resource, cut, validation)
    if (object !== undefined) return object
  }
  return readObject(context, resource, bytes, encoding, validation)
}

/** Undefined when there is anything about the body that has to be told from all of it. */
function readCut(context: RequestContext, resource: Resource, cut: CutBody, validation: FieldValidation): KubeObject | undefined {
  try {
    const read = readJson(cut.rest, DEFAULT_JSON_LIMITS)
    const value = rootOf(resource, read.value, cut.rest)
    if (value['spec'] !== cut.token || read.duplicates.length > 0) return undefined
    delete value['spec']
    const { kind, apiVersion } = typeOf(resource, value, cut.rest)
    if (kindProblem(context.core.catalog, resource, { kind, apiVersion }) !== undefined) return undefined
    const { object, unknown } = decodeObject<KubeObject & { spec?: unknown }>(resource.schema, value, read.literals)
    if (unknown.length > 0 && validation !== 'Ignore') return undefined
    finishDraft(resource, object)
    object.spec = cut.spec
    return object
  } catch {
    return undefined
  }
}

function fromJson(expected: ExpectedKind, bytes: Uint8Array): ReadValue {
  try {
    return readJson(bytes, DEFAULT_JSON_LIMITS, expected.typedItems ? 'last' : 'merge')
  } catch (error) {
    if (error instanceof JsonSyntaxError)
      throw unrecognized(expected, `couldn't get version/kind; json parse error: ${error.message}`, bytes)
    if (error instanceof JsonTooLarge && error.message === 'exceeded max depth') {
      const why = `couldn't get version/kind; json parse error: invalid character '${bytes[0] === 0x5b ? '[' : '{'}' exceeded max depth`
      throw unrecognized(expected, why, bytes)
    }
    if (error instanceof JsonTooLarge) throw statusError.badRequest(error.message)
    throw error
  }
}

function fromYaml(expected: ExpectedKind, bytes: Uint8Array): ReadValue {
  try {
    return readYaml(bytes)
  } catch (error) {
    if (error instanceof YamlSyntaxError || error instanceof JsonTooLarge) throw unrecognized(expected, error.message, bytes)
    throw error
  }
}

function fromProtobuf<T>(expected: ExpectedKind, bytes: Uint8Array, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SampanError) throw unrecognized(expected, error.message, bytes)
    throw error
  }
}

function rootOf(expected: ExpectedKind, value: unknown, bytes: Uint8Array): Record<string, unknown> {
  if (value === null || value === undefined) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
  throw unrecognized(
    expected,
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(value)} into Go value of type ${GO_TYPE_META}`,
    bytes,
  )
}

/** Kind and apiVersion of the body; those of the path where it has none. */
function typeOf(expected: ExpectedKind, value: Record<string, unknown>, bytes: Uint8Array): { kind: string; apiVersion: string } {
  const misread = misreadKind(value)
  if (misread !== undefined) throw unrecognized(expected, misread, bytes)
  const kind = typeof value['kind'] === 'string' && value['kind'] !== '' ? value['kind'] : expected.kind
  const apiVersion = typeof value['apiVersion'] === 'string' && value['apiVersion'] !== '' ? value['apiVersion'] : apiVersionOf(expected)
  if (apiVersion.split('/').length > 2) throw unrecognized(expected, `unexpected GroupVersion string: ${apiVersion}`, bytes)
  return { kind, apiVersion }
}

/** Throws `StatusError` 400 for a body that does not say its kind, 422 for one of another kind. */
function customTypeOf(expected: ExpectedKind, value: Record<string, unknown>, bytes: Uint8Array): { kind: string; apiVersion: string } {
  const { kind, apiVersion } = typeOf(expected, value, bytes)
  if ((value['kind'] ?? '') === '') throw unrecognized(expected, `Object 'Kind' is missing in '${Buffer.from(bytes).toString()}'`, bytes)
  if ((value['apiVersion'] ?? '') === '')
    throw unrecognized(expected, `Object 'apiVersion' is missing in '${Buffer.from(bytes).toString()}'`, bytes)
  if (apiVersion !== apiVersionOf(expected)) {
    throw statusError.badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${apiVersionOf(expected)})`,
    )
  }
  checkCustomType(expected, value)
  return { kind, apiVersion }
}

/** Throws `StatusError` 422 for an object that says it is of another kind or version than the path's. */
export function checkCustomType(expected: ExpectedKind, object: KubeObject): void {
  const { kind = '', apiVersion = '', metadata } = object
  const errors: FieldErrors = []
  if (kind !== expected.kind) errors.push(fieldError.invalid(Path.of('kind'), kind, `must be ${expected.kind}`))
  if (apiVersion !== apiVersionOf(expected))
    errors.push(fieldError.invalid(Path.of('apiVersion'), apiVersion, `must be ${apiVersionOf(expected)}`))
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  if (errors.length > 0) throw statusError.invalid({ group, kind }, metadata?.name ?? '', errors)
}

/** Throws `StatusError` 400 for a body that says it is something else; it is read as what it says first. */
function checkKind(
  context: RequestContext,
  expected: ExpectedKind,
  said: SaidKind,
  read: ReadValue | undefined,
  validation: FieldValidation,
): void {
  const { catalog } = context.core
  const problem = kindProblem(catalog, expected, said)
  if (problem === undefined) return
  const { kind, apiVersion } = said
  const seen = read === undefined ? undefined : readAsSaid(catalog, said, read.value)
  if (seen?.refusal !== undefined) throw cannotBeHandled(expected, apiVersion, kind, seen.refusal)
  if (kind !== expected.kind || !problem.startsWith('the API version')) throw cannotBeHandled(expected, apiVersion, kind, problem)
  if (read !== undefined && validation !== 'Ignore') {
    const problems = fieldProblems(read, seen?.unknown ?? [])
    if (problems.length > 0 && validation === 'Strict')
      throw cannotBeHandled(expected, apiVersion, kind, `strict decoding error: ${problems.join(', ')}`)
    for (const one of problems) context.warn(one)
  }
  throw statusError.badRequest(problem)
}

function cannotBeHandled(expected: ExpectedKind, apiVersion: string, kind: string, why: string): Error {
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  return statusError.badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${expected.kind}: ${why}`)
}

const SHOWN_BYTES = 30

function unrecognized(expected: ExpectedKind, why: string, bytes: Uint8Array): Error {
  return statusError.badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${shown(bytes)})`)
}

/** The beginning of what could not be read: as text when it looks like JSON, else in hexadecimal. */
function shown(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>'
  const head = Buffer.from(bytes.subarray(0, SHOWN_BYTES))
  return `${head[0] === 0x7b ? head.toString('utf8') : head.toString('hex')}${bytes.length > SHOWN_BYTES ? ' ...' : ''}`
}
