import { JsonSyntaxError, readJson, readYaml, SampanError } from '#base'
import { type FieldErrors, Path, builtInSchema, decodeProtobuf, fieldError, statusError } from '#api'
import { bodyEncoding, unsupportedBody } from '../../respond/media.ts'
import { isTrue } from '../../router/request-info.ts'
import type { RequestContext } from '../context.ts'
import { GO_TYPE_META, goKind, misreadKind } from '../write/said-kind.ts'
import { readDryRun, readInteger, refuseOptions } from '../options.ts'

export interface DeleteOptions {
  readonly dryRun: boolean
  readonly gracePeriodSeconds: number | undefined
  readonly orphanDependents: boolean | undefined
  readonly propagationPolicy: 'Orphan' | 'Background' | 'Foreground' | undefined
  readonly uid: string | undefined
  readonly resourceVersion: string | undefined
}

/** From the body where there is one, else from the query. Throws `StatusError` 400, 415 or 422. */
export async function deleteOptions(context: RequestContext): Promise<DeleteOptions> {
  const encoding = bodyEncoding(context.header('content-type'))
  const bytes = await context.body()
  if (bytes.length > 0) {
    if (encoding === undefined) throw unsupportedBody()
    return fromBody(bytes, encoding)
  }
  return fromQuery(context.info.query)
}

function fromQuery(query: URLSearchParams): DeleteOptions {
  const errors: FieldErrors = []
  const orphan = query.get('orphanDependents')
  const options = {
    gracePeriodSeconds: readInteger(query.get('gracePeriodSeconds')),
    orphanDependents: orphan === null ? undefined : isTrue(orphan),
    propagationPolicy: query.get('propagationPolicy') ?? undefined,
    // Conditions, when they say anything.
    uid: query.get('uid') || undefined,
    resourceVersion: query.get('resourceVersion') || undefined,
  }
  return checked(options, query.getAll('dryRun'), errors)
}

type Unchecked = Omit<DeleteOptions, 'dryRun' | 'propagationPolicy'> & { readonly propagationPolicy: string | undefined }

function checked(options: Unchecked, dryRun: readonly string[], errors: FieldErrors): DeleteOptions {
  const { propagationPolicy: policy } = options
  const path = Path.of('propagationPolicy')
  if (policy !== undefined && options.orphanDependents !== undefined) {
    errors.push(fieldError.invalid(path, policy, 'orphanDependents and deletionPropagation cannot be both set'))
  }
  if (policy !== undefined && policy !== 'Orphan' && policy !== 'Background' && policy !== 'Foreground') {
    errors.push(fieldError.notSupported(path, policy, ['Foreground', 'Background', 'Orphan', 'nil']))
  }
  const isDryRun = readDryRun(dryRun, errors)
  refuseOptions('DeleteOptions', errors)
  return { ...options, propagationPolicy: policy as DeleteOptions['propagationPolicy'], dryRun: isDryRun }
}

function fromBody(bytes: Uint8Array, encoding: 'json' | 'yaml' | 'protobuf'): DeleteOptions {
  const value = encoding === 'protobuf' ? readProtobuf(bytes) : readValue(bytes, encoding)
  const misread = misreadKind(value)
  if (misread !== undefined) throw statusError.badRequest(misread)
  const kind = value['kind'] ?? undefined
  if (kind !== undefined && kind !== '' && kind !== 'DeleteOptions') {
    const apiVersion = typeof value['apiVersion'] === 'string' ? value['apiVersion'] : 'v1'
    throw statusError.badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    )
  }
  return typedDeleteOptions(value)
}

/** From the fields of DeleteOptions, as they stand in a body of their own or within another object. Throws `StatusError` 400 or 422. */
export function typedDeleteOptions(options: object): DeleteOptions {
  const value = options as Record<string, unknown>
  const preconditions = objectAt(value, 'preconditions')
  return checked(
    {
      gracePeriodSeconds: at(value, 'gracePeriodSeconds', 'number', 'int64'),
      orphanDependents: at(value, 'orphanDependents', 'boolean', 'bool'),
      propagationPolicy: at(value, 'propagationPolicy', 'string', 'v1.DeletionPropagation'),
      uid: at(preconditions, 'uid', 'string', 'types.UID', PRECONDITIONS),
      resourceVersion: at(preconditions, 'resourceVersion', 'string', 'string', PRECONDITIONS),
    },
    textsAt(value, 'dryRun'),
    [],
  )
}

function textsAt(value: Record<string, unknown>, name: string): readonly string[] {
  const found = value[name]
  if (found === undefined || found === null) return []
  if (!Array.isArray(found)) throw mistyped(found, name, '[]string')
  return found.map((text: unknown) => {
    if (text === null || typeof text === 'string') return text ?? ''
    throw mistyped(text, name, 'string')
  })
}

function readValue(bytes: Uint8Array, encoding: 'json' | 'yaml'): Record<string, unknown> {
  try {
    const { value } = encoding === 'json' ? readJson(bytes) : readYaml(bytes)
    if (value === undefined || value === null) return {}
    if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>
    throw statusError.badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(value)} into Go value of type ${GO_TYPE_META}`,
    )
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw statusError.badRequest(`couldn't get version/kind; json parse error: ${error.message}`)
    if (error instanceof SampanError) throw statusError.badRequest(error.message)
    throw error
  }
}

function readProtobuf(bytes: Uint8Array): Record<string, unknown> {
  try {
    return decodeProtobuf(builtInSchema('', 'v1', 'DeleteOptions'), bytes).object as Record<string, unknown>
  } catch (error) {
    if (error instanceof SampanError) throw statusError.badRequest(error.message)
    throw error
  }
}

function objectAt(value: Record<string, unknown>, name: string): Record<string, unknown> {
  const found = value[name]
  if (found === undefined || found === null) return {}
  if (typeof found === 'object' && !Array.isArray(found)) return found as Record<string, unknown>
  throw mistyped(found, name, 'v1.Preconditions')
}

interface Types {
  readonly number: number
  readonly boolean: boolean
  readonly string: string
}
function at<K extends keyof Types>(
  value: Record<string, unknown>,
  name: string,
  type: K,
  goType: string,
  struct = OPTIONS,
): Types[K] | undefined {
  const found = value[name]
  if (found === undefined || found === null) return undefined
  if (typeof found === type && (typeof found !== 'number' || Number.isInteger(found))) return found as Types[K]
  throw mistyped(found, name, goType, struct)
}

/** The fields of which a message names, and how it comes to them. */
const OPTIONS = 'DeleteOptions'
const PRECONDITIONS = 'Preconditions.preconditions'

function mistyped(found: unknown, name: string, goType: string, struct = OPTIONS): Error {
  const what = typeof found === 'number' && goType === 'int64' ? `number ${found}` : goKind(found)
  return statusError.badRequest(`json: cannot unmarshal ${what} into Go struct field ${struct}.${name} of type ${goType}`)
}
