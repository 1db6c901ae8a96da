import { DecodeError, type Field, type ObjectSchema, type Schema, builtInSchema, decodeObject, metaSchema } from '#api'
import { type Document } from '../../remote/read-answer.ts'
import { RemoteError } from '../../remote/remote-error.ts'

/** What a webhook answers, as far as it is of the types that an AdmissionReview has. */
export interface Review {
  readonly apiVersion?: string
  readonly kind?: string
  readonly response?: Response
}

export interface Response {
  readonly uid?: string
  readonly allowed?: boolean
  readonly status?: Readonly<Record<string, unknown>>
  /** In base64. */
  readonly patch?: string
  readonly patchType?: string
  readonly auditAnnotations?: Readonly<Record<string, string>>
  readonly warnings?: readonly string[]
}

const GROUP = 'admission.k8s.io'
const KIND = 'AdmissionReview'

/** Throws `RemoteError`, in the words of Go's decoder, for a document that is no AdmissionReview of this version. */
export function readReview(document: Document, version: string): Review {
  const said = saidKind(document, version)
  if (said.kind !== KIND || said.group !== GROUP || !REVIEWS.has(said.version)) throw new RemoteError(noReview(said, version))
  if (said.version !== version) throw new RemoteError(unknownConversion(`${said.version}.${KIND}`, version))
  try {
    return decodeObject<Review>(REVIEWS.get(said.version) ?? schemaOf(version), structuredClone(document)).object
  } catch (error) {
    if (error instanceof DecodeError) throw new RemoteError(error.message)
    throw error
  }
}

interface Said {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** What is not said is what was asked for. */
function saidKind(document: Document, wanted: string): Said {
  const { kind, apiVersion } = document
  const text = typeof apiVersion === 'string' ? apiVersion : ''
  if (text.split('/').length > 2) throw new RemoteError(`unexpected GroupVersion string: ${text}`)
  const slash = text.indexOf('/')
  const group = text === '' ? GROUP : text.slice(0, Math.max(slash, 0))
  const version = text.slice(slash + 1)
  return {
    group,
    version: version === '' && group === GROUP ? wanted : version,
    kind: typeof kind === 'string' && kind !== '' ? kind : KIND,
  }
}

function noReview({ group, version, kind }: Said, wanted: string): string {
  if (group === '' && version === 'v1' && kind === 'Status') return unknownConversion('v1.Status', wanted)
  const apiVersion = group === '' ? version : `${group}/${version}`
  return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`
}

const unknownConversion = (from: string, wanted: string): string => `converting (${from}) to (${wanted}.${KIND}): unknown conversion`

const STRING: Schema = { kind: 'string' }
const ANY: Schema = { kind: 'any' }

function fieldsOf(fields: Readonly<Record<string, readonly [schema: Schema, goType: string]>>): ReadonlyMap<string, Field> {
  return new Map(Object.entries(fields).map(([name, [schema, goType]]) => [name, { name, schema, goType, required: false }]))
}

const text = (goType = 'string'): readonly [Schema, string] => [STRING, goType]

function schemaOf(version: string): ObjectSchema {
  const threeNames = (third: string, name: string): ObjectSchema => ({
    kind: 'object',
    name,
    fields: fieldsOf({ group: text(), version: text(), [third]: text() }),
  })
  const kind: readonly [Schema, string] = [threeNames('kind', 'GroupVersionKind'), 'v1.GroupVersionKind']
  const resource: readonly [Schema, string] = [threeNames('resource', 'GroupVersionResource'), 'v1.GroupVersionResource']
  const user = builtInSchema('authentication.k8s.io', 'v1', 'TokenReview').fields.get('status')?.schema
  const request: ObjectSchema = {
    kind: 'object',
    name: 'AdmissionRequest',
    fields: fieldsOf({
      uid: text('types.UID'),
      kind,
      resource,
      subResource: text(),
      requestKind: kind,
      requestResource: resource,
      requestSubResource: text(),
      name: text(),
      namespace: text(),
      operation: text(`${version}.Operation`),
      userInfo: [(user?.kind === 'object' ? user.fields.get('user')?.schema : undefined) ?? ANY, 'v1.UserInfo'],
      object: [ANY, 'runtime.RawExtension'],
      oldObject: [ANY, 'runtime.RawExtension'],
      dryRun: [{ kind: 'boolean' }, 'bool'],
      options: [ANY, 'runtime.RawExtension'],
    }),
  }
  const response: ObjectSchema = {
    kind: 'object',
    name: 'AdmissionResponse',
    fields: fieldsOf({
      uid: text('types.UID'),
      allowed: [{ kind: 'boolean' }, 'bool'],
      status: [metaSchema('Status'), 'v1.Status'],
      patch: [{ kind: 'bytes' }, '[]uint8'],
      patchType: text(`${version}.PatchType`),
      auditAnnotations: [{ kind: 'map', values: STRING }, 'map[string]string'],
      warnings: [{ kind: 'list', items: STRING, listType: 'atomic', listKeys: [] }, '[]string'],
    }),
  }
  return {
    kind: 'object',
    name: KIND,
    fields: fieldsOf({
      kind: text(),
      apiVersion: text(),
      request: [request, `${version}.AdmissionRequest`],
      response: [response, `${version}.AdmissionResponse`],
    }),
  }
}

const REVIEWS: ReadonlyMap<string, ObjectSchema> = new Map(['v1', 'v1beta1'].map((version) => [version, schemaOf(version)]))
