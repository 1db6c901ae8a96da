import { readYaml } from '#base'
import { decodeProtobuf, openEnvelope, schemaOf } from '#api'
import { bodyEncoding } from '../respond/media.ts'

/** The object in a body, as JSON; undefined where there is none or it cannot be read. */
export type ReadBody = (bytes: Uint8Array, contentType: string | undefined) => unknown

export const readAuditObject: ReadBody = (bytes, contentType) => {
  if (bytes.length === 0) return undefined
  try {
    return read(bytes, contentType)
  } catch {
    // A record is kept of requests that make no sense, too.
    return undefined
  }
}

function read(bytes: Uint8Array, contentType: string | undefined): unknown {
  const encoding = bodyEncoding(contentType)
  if (encoding === 'protobuf') {
    const { kind, apiVersion } = openEnvelope(bytes)
    const slash = apiVersion.indexOf('/')
    const schema = schemaOf(slash === -1 ? '' : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind)
    return schema === undefined ? undefined : decodeProtobuf(schema, bytes).object
  }
  if (encoding === 'yaml' || contentType?.includes('apply-patch+yaml')) return readYaml(bytes).value
  return encoding === 'json' || contentType?.includes('json') ? (JSON.parse(Buffer.from(bytes).toString()) as unknown) : undefined
}

/** A copy without the ownership of fields, in objects and in lists of them. */
export function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return object
  const { metadata, items, ...rest } = object as Record<string, unknown>
  const { managedFields: _, ...kept } = (metadata ?? {}) as Record<string, unknown>
  return {
    ...rest,
    ...(metadata === undefined ? {} : { metadata: kept }),
    ...(items === undefined ? {} : { items: Array.isArray(items) ? items.map(withoutManagedFields) : items }),
  }
}
