import { DecodeError, type ObjectSchema, apiVersionOf, decodeObject, metaSchema } from '#api'
import type { Catalog } from '../catalog.ts'

/** What a document says that it is. */
export interface SaidKind {
  readonly kind: string
  readonly apiVersion: string
}

/** What it has to be. */
export interface WantedKind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly formerVersions?: readonly string[]
}

/** What the server itself says, in no version but the first. */
const UNVERSIONED = new Set(['Status', 'APIVersions', 'APIGroup', 'APIGroupList', 'APIResourceList'])
/** What is said beside objects. */
const OF_EVERY_VERSION = new Set([
  'WatchEvent',
  'ListOptions',
  'GetOptions',
  'DeleteOptions',
  'CreateOptions',
  'UpdateOptions',
  'PatchOptions',
])

/** What Go's reader of JSON calls it. */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : value === null ? 'null' : typeof value
}

export const GO_TYPE_META = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

/** Why it cannot be told what a document says that it is; undefined when it can. */
export function misreadKind(document: unknown): string | undefined {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    return `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(document)} into Go value of type ${GO_TYPE_META}`
  for (const [name, said] of Object.entries(document) as [string, unknown][])
    if ((name === 'kind' || name === 'apiVersion') && said !== null && typeof said !== 'string')
      return `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(said)} into Go struct field .${name} of type string`
  return undefined
}

/** Why an object of this kind cannot stand for the expected one; undefined when it can. */
export function kindProblem(catalog: Catalog, expected: WantedKind, { kind, apiVersion }: SaidKind): string | undefined {
  const { group, version } = parts(apiVersion)
  const reads = version === expected.version || expected.formerVersions?.includes(version) === true
  if (kind === expected.kind && group === expected.group && reads) return undefined
  if (!isKnown(catalog, group, version, kind)) {
    return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(group === '' ? version : apiVersion)} in scheme "pkg/runtime/scheme.go:111"`
  }
  if (kind !== expected.kind)
    return `converting (${version}.${kind}) to (${packageOf(expected.group)}.${expected.kind}): unknown conversion`
  return `the API version in the data (${apiVersion}) does not match the expected API version (${apiVersionOf(expected)})`
}

/** Kinds that have been in `extensions/v1beta1`, which can still be read and is not served. */
const ONCE_EXTENSIONS = new Set(['DaemonSet', 'Deployment', 'Ingress', 'NetworkPolicy', 'ReplicaSet', 'Scale'])

/** Whether this kind can be read in this version, served or not: versions that are no longer served are known by their name. */
function isKnown(catalog: Catalog, group: string, version: string, kind: string): boolean {
  // Custom kinds are known to the definitions' own server alone.
  if (catalog.isCustom(group)) return false
  if (catalog.findKind(group, version, kind) !== undefined) return true
  if (kind.endsWith('List') && catalog.findKind(group, version, kind.slice(0, -4)) !== undefined) return true
  if (OF_EVERY_VERSION.has(kind) || (group === '' && version === 'v1' && UNVERSIONED.has(kind))) return true
  if (group === 'extensions') return version === 'v1beta1' && ONCE_EXTENSIONS.has(kind)
  return /^v\d+(alpha|beta)\d+$/.test(version) && catalog.knowsKind(group, kind)
}

const packageOf = (group: string): string => (group === '' ? 'core' : (group.split('.')[0] ?? ''))

/** A document that is something else is read as what it says first: why that fails, or the fields that its own kind does not know. */
export function readAsSaid(
  catalog: Catalog,
  { kind, apiVersion }: SaidKind,
  document: unknown,
): { readonly refusal?: string; readonly unknown?: readonly string[] } {
  const schema = schemaOf(catalog, kind, apiVersion)
  if (schema === undefined) return {}
  try {
    return { unknown: decodeObject(schema, structuredClone(document)).unknown }
  } catch (error) {
    if (error instanceof DecodeError) return { refusal: error.message }
    throw error
  }
}

/** Versions that are no longer served are read as the one that is. */
function schemaOf(catalog: Catalog, kind: string, apiVersion: string): ObjectSchema | undefined {
  const { group, version } = parts(apiVersion)
  if (group === '' && version === 'v1' && UNVERSIONED.has(kind)) return metaSchema(kind)
  return catalog.findKind(group, version, kind)?.schema
}

function parts(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/')
  return { group: slash === -1 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}
