import type { HttpResponse } from '#base'
import {
  type KubeObject,
  type ObjectSchema,
  type Resource,
  StatusError,
  statusError,
  apiVersionOf,
  encodeObject,
  builtInSchema,
  encodeProtobuf,
  metaSchema,
} from '#api'
import { writeYaml } from '#base'
import type { RequestContext } from '../registry/context.ts'
import { answerFields } from '../registry/request-fields.ts'
import type { View } from '../registry/view.ts'
import type { Entry } from '../watchcache/entry.ts'
import { metadataOffset } from '../watchcache/stored/wire.ts'
import type { ListPage } from '../watchcache/lists/list-page.ts'
import { acceptsGzip, compressedStream } from './compress.ts'
import { itemsBody, type ItemSource } from './item-stream.ts'
import { jsonChunks, wantsPretty } from './json-text.ts'
import { type Accepted, MEDIA_TYPE_OF } from './media.ts'
import { type IncludeObject, partialBytes, tableColumns, tableHead, tableRow } from './table.ts'

/** An object to be sent: its JSON bytes, and the object for forms that need one. */
export interface Sendable {
  readonly bytes: Buffer
  object(): KubeObject
}

export function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject')
  if (value === 'None' || value === 'Object') return value
  if (value === null || value === '' || value === 'Metadata') return 'Metadata'
  throw statusError.badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  )
}

const bytesAnswer = (status: number, encoding: Accepted['encoding'], bytes: Uint8Array, pretty = false): HttpResponse => ({
  status,
  headers: { 'content-type': MEDIA_TYPE_OF[encoding] },
  body: { kind: 'bytes', chunks: encoding === 'json' ? jsonChunks(bytes, pretty) : [bytes] },
})

/** One object in the form that the client accepts. */
export function objectAnswer(context: RequestContext, view: View, status: number, sendable: Sendable): HttpResponse {
  const span = context.begin('SerializeObject', answerFields)
  const answer = objectInForm(context, view, status, sendable)
  context.end(span)
  return answer
}

function objectInForm(context: RequestContext, view: View, status: number, sendable: Sendable): HttpResponse {
  const accepted = context.accepted(false)
  if (accepted.encoding === 'json' && accepted.form === 'object' && !isPretty(context, accepted))
    return bytesAnswer(status, 'json', sendable.bytes)
  const { form, formVersion, encoding } = accepted
  if (form === 'object') {
    if (encoding === 'protobuf') return bytesAnswer(status, 'protobuf', encodeProtobuf(view.resource.schema, sendable.object()))
    return encoded(context, accepted, status, sendable.bytes)
  }
  if (form === 'PartialObjectMetadataList')
    throw notAcceptable(
      `you requested PartialObjectMetadataList, but the requested object is not a list (${goType(view, view.resource.kind)})`,
    )
  if (form === 'PartialObjectMetadata') {
    const bytes = partialBytes(view.resource, sendable.bytes, formVersion)
    return encoded(context, accepted, status, bytes, () => encodeProtobuf(metaSchema('PartialObjectMetadata'), parsed(bytes)))
  }
  const row = tableRow(
    view.resource,
    sendable.object(),
    sendable.bytes,
    includeObject(context.info.query),
    formVersion,
    context.scope.clock.now(),
  )
  const version = sendable.object().metadata?.resourceVersion ?? ''
  const head = tableHead(formVersion, version, { continue: '', remaining: undefined }, tableColumns(view.resource))
  return encoded(context, accepted, status, Buffer.from(`${head}${row}]}`))
}

/** An object of a kind that is not stored. */
export function objectBytesAnswer(context: RequestContext, schema: ObjectSchema, status: number, object: KubeObject): HttpResponse {
  const accepted = context.acceptedUntabled()
  if (accepted.encoding === 'protobuf' && accepted.form === 'object') return bytesAnswer(status, 'protobuf', encodeProtobuf(schema, object))
  if (accepted.form === 'PartialObjectMetadataList')
    throw notAcceptable(`you requested PartialObjectMetadataList, but the requested object is not a list (${goTypeOf(object)})`)
  if (accepted.form === 'PartialObjectMetadata') {
    const { metadata } = parsed(Buffer.from(encodeObject(schema, object, { keepResourceVersion: true }).bytes))
    const partial = { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${accepted.formVersion}`, metadata: metadata ?? {} }
    const binary = (): Uint8Array => encodeProtobuf(metaSchema('PartialObjectMetadata'), partial)
    return encoded(context, accepted, status, Buffer.from(JSON.stringify(partial)), binary)
  }
  return encoded(context, accepted, status, Buffer.from(encodeObject(schema, object, { keepResourceVersion: true }).bytes))
}

/** A list in the form that the client accepts. */
export function listAnswer(context: RequestContext, view: View, page: ListPage): HttpResponse {
  const span = context.begin('SerializeObject', answerFields)
  const answer = listInForm(context, view, page)
  context.end(span)
  return answer
}

function listInForm(context: RequestContext, view: View, page: ListPage): HttpResponse {
  const accepted = context.accepted(true)
  const { resource } = view
  const { form, formVersion, encoding } = accepted
  const metadata = {
    resourceVersion: String(page.revision),
    // Lists of custom resources always say where they go on.
    ...(page.continue === '' && !(resource.typedItems && form === 'object') ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  }
  if (form === 'PartialObjectMetadata')
    throw notAcceptable(`you requested PartialObjectMetadata, but the requested object is a list (${goType(view, resource.listKind)})`)
  if (encoding === 'protobuf' && form === 'object') {
    const list = {
      kind: resource.listKind,
      apiVersion: apiVersionOf(resource),
      metadata,
      items: page.entries.map((entry) => view.object(entry)),
    }
    return bytesAnswer(
      200,
      'protobuf',
      encodeProtobuf(builtInSchema(resource.group, resource.version, resource.listKind), list as KubeObject),
    )
  }
  const list =
    page.entries.length === 0 && form !== 'object'
      ? emptyForm(form, formVersion, metadata, page, resource)
      : form === 'Table'
        ? itemsBody(
            tableHead(formVersion, metadata.resourceVersion, page, tableColumns(resource)),
            rows(context, view, page.entries, formVersion),
            LIST_END,
          )
        : form === 'PartialObjectMetadataList'
          ? itemsBody(
              `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${formVersion}","metadata":${JSON.stringify(metadata)},"items":[`,
              {
                count: page.entries.length,
                item: (at) => whole(partialBytes(resource, view.bytes(page.entries[at] as Entry), formVersion)),
              },
              LIST_END,
            )
          : itemsBody(
              `{"kind":"${resource.listKind}","apiVersion":"${apiVersionOf(resource)}","metadata":${JSON.stringify(metadata)},"items":[`,
              objects(view, page.entries),
              LIST_END,
            )
  if (encoding === 'json' && !isPretty(context, accepted)) {
    const answer: HttpResponse = { status: 200, headers: { 'content-type': MEDIA_TYPE_OF.json }, body: list }
    return acceptsGzip(context.request.headers['accept-encoding']) ? compressedStream(answer) : answer
  }
  return encoded(context, accepted, 200, collect(list), () =>
    encodeProtobuf(metaSchema('PartialObjectMetadataList'), parsed(collect(list))),
  )
}

/** With the break that a line of JSON ends with: most lists are sent as they are made. */
const LIST_END = ']}\n'

/** Upstream makes these lists as it finds items, but for the rows of kinds that have columns of their own. */
function emptyForm(
  form: 'Table' | 'PartialObjectMetadataList',
  version: string,
  metadata: { readonly resourceVersion: string },
  page: ListPage,
  resource: Resource,
): HttpResponse['body'] {
  const partial = `{"kind":"${form}","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(metadata)},"items":null}`
  const hasOwnColumns = resource.typedItems || resource.columns[1]?.name !== 'Created At'
  const table = `${tableHead(version, metadata.resourceVersion, page, tableColumns(resource)).slice(0, -1)}${hasOwnColumns ? '[]' : 'null'}}`
  return { kind: 'bytes', chunks: [Buffer.from(`${form === 'Table' ? table : partial}\n`)] }
}

const whole = (bytes: Buffer): { prefix: string; bytes: Buffer; start: number } => ({ prefix: '', bytes, start: 0 })

/** Built-in kinds leave kind and apiVersion to the list. */
function objects(view: View, entries: readonly Entry[]): ItemSource {
  const first = entries[0]
  if (view.resource.typedItems || first === undefined)
    return { count: entries.length, item: (at) => whole(view.bytes(entries[at] as Entry)) }
  const start = metadataOffset(view.bytes(first))
  return { count: entries.length, item: (at) => ({ prefix: '{', bytes: view.bytes(entries[at] as Entry), start }) }
}

function rows(context: RequestContext, view: View, entries: readonly Entry[], version: string): ItemSource {
  const include = includeObject(context.info.query)
  const now = context.scope.clock.now()
  return {
    count: entries.length,
    item: (at) => {
      const entry = entries[at] as Entry
      return whole(Buffer.from(tableRow(view.resource, view.object(entry), view.bytes(entry), include, version, now)))
    },
  }
}

/** Forms that need the whole answer at hand. */
function collect(body: HttpResponse['body']): Buffer {
  if (body.kind === 'bytes') return Buffer.concat(body.chunks)
  const chunks: Uint8Array[] = []
  if (body.kind === 'stream') {
    body.start({
      write: (chunk) => chunks.push(chunk) > 0,
      bufferedBytes: 0,
      onDrain: () => undefined,
      onClose: () => undefined,
      end: () => undefined,
      destroy: () => undefined,
    })
  }
  return Buffer.concat(chunks)
}

const parsed = (bytes: Buffer): KubeObject => JSON.parse(bytes.toString()) as KubeObject

/** JSON bytes in the accepted encoding. `binary` makes the protobuf form; what has none is sent in JSON to those who ask for it. */
export function encoded(
  context: RequestContext,
  accepted: Accepted,
  status: number,
  json: Buffer,
  binary?: () => Uint8Array,
): HttpResponse {
  if (accepted.encoding === 'protobuf' && binary !== undefined) return bytesAnswer(status, 'protobuf', binary())
  if (accepted.encoding === 'yaml') return bytesAnswer(status, 'yaml', Buffer.from(writeYaml(JSON.parse(json.toString()))))
  return bytesAnswer(status, 'json', json, isPretty(context, accepted))
}

const isPretty = (context: RequestContext, accepted: Accepted): boolean => accepted.pretty || wantsPretty(context.request)

/** The type that upstream's message names. */
function goType({ resource }: View, kind: string): string {
  if (resource.typedItems) return kind === resource.kind ? '*unstructured.Unstructured' : '*unstructured.UnstructuredList'
  const { group } = resource.storage ?? resource
  return `*${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${kind}`
}

function goTypeOf({ apiVersion = '', kind = '' }: KubeObject): string {
  return `*${apiVersion.includes('/') ? (apiVersion.split(/[./]/)[0] ?? '') : 'core'}.${kind}`
}

function notAcceptable(message: string): Error {
  return new StatusError({ code: 406, reason: 'NotAcceptable', message })
}
