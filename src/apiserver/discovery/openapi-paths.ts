import type { HttpResponse } from '#base'
import { type PlainDocument, groupVersions, openApiV2, openApiV3, plainDocuments, withSharedParameters } from '#api'
import type { Catalog } from '../registry/catalog.ts'
import type { RequestContext } from '../registry/context.ts'
import { acceptClauses } from '../respond/media.ts'
import type { PathHandler } from '../router/handler.ts'
import { readDescriptions } from './descriptions.ts'
import { mergeOpenApi } from '../aggregation/merge-openapi.ts'
import { openApiV2Protobuf } from './openapi-protobuf.ts'
import { openApiV3Protobuf } from './openapi-v3-protobuf.ts'
import { type CachedDocument, DocumentCache } from './document-cache.ts'
import { serveDocument } from './serve-document.ts'
import type { RemoteGroups } from './merged-groups.ts'

const ROOT = '/openapi/v3'
const JSON_TYPE = 'application/json'
const V2_VARY = 'Accept-Encoding, Accept'
type Document = Pick<PlainDocument, 'path' | 'make'>

/** A document under a name with its hash never changes. */
const FOREVER = 'public, immutable'

/** `/openapi/v2`, `/openapi/v3` and the documents below it, made when they are first asked for. `further` are paths that are served besides. */
export function openApiPaths(catalog: Catalog, further: readonly string[], remotes: RemoteGroups, now: () => number): PathHandler {
  const cache = new DocumentCache(
    {
      get version() {
        return catalog.version + remotes.version
      },
    },
    now,
  )
  const bytesOf = (document: Document): CachedDocument => cache.bytes(`v3 ${document.path}`, () => document.make(readDescriptions()))
  const all = (): readonly Document[] => cache.of('documents', () => documentsOf(catalog, further)) as readonly Document[]
  const whole = (): object =>
    withSharedParameters(mergeOpenApi(openApiV2([...catalog.all], plainOf(catalog, further), readDescriptions()), remotes.openApiParts()))
  const index = (): unknown => {
    const paths = all().map((document) => {
      const hash = bytesOf(document).etag.slice(1, -1)
      return [document.path, { serverRelativeURL: `${ROOT}/${document.path}?hash=${hash}` }] as const
    })
    const behind = remotes
      .groups()
      .flatMap(({ group, versions }) =>
        versions.flatMap(({ version, openApi }) =>
          openApi === undefined ? [] : [[`apis/${group}/${version}`, { serverRelativeURL: openApi }] as const],
        ),
      )
    return { paths: Object.fromEntries([...paths, ...behind].sort(([a], [b]) => (a < b ? -1 : 1))) }
  }
  return (context) => {
    const { path } = context.info
    if (path !== '/openapi/v2' && path !== ROOT && !path.startsWith(`${ROOT}/`)) return undefined
    if (path === ROOT) {
      const { bytes } = cache.bytes('v3', () => index())
      return serveDocument(context, { bytes, modifiedMs: now() }, { 'content-type': 'text/plain; charset=utf-8' })
    }
    if (path === '/openapi/v2' && wantsProtobuf(context, V2_PROTOBUF_NAMES))
      return bytesAnswer(
        context,
        cache.bytes('v2 protobuf', () => openApiV2Protobuf(whole())),
        V2_PROTOBUF_TYPE,
      )
    const protobuf = path !== '/openapi/v2' && wantsProtobuf(context, V3_PROTOBUF_NAMES)
    const vary = path === '/openapi/v2' ? V2_VARY : 'Accept'
    if (!protobuf && !takesJson(context)) return { status: 406, headers: { vary }, body: { kind: 'empty' } }
    if (path === '/openapi/v2') return bytesAnswer(context, cache.bytes('v2', whole), JSON_TYPE)
    const wanted = all().find((document) => path === `${ROOT}/${document.path}`)
    if (wanted === undefined) return { status: 404, headers: {}, body: { kind: 'empty' } }
    const found = bytesOf(wanted)
    const hash = found.etag.slice(1, -1)
    const asked = context.info.query.get('hash')
    // Whoever comes with an old name is shown the new one.
    if (asked !== null && asked !== hash) return { status: 301, headers: { location: `${path}?hash=${hash}` }, body: { kind: 'empty' } }
    const more: Readonly<Record<string, string>> = asked === null ? { vary } : { vary, 'cache-control': FOREVER }
    if (!protobuf) return bytesAnswer(context, found, JSON_TYPE, more)
    const bytes = cache.bytes(`v3 protobuf ${wanted.path}`, () => openApiV3Protobuf(wanted.make(readDescriptions())))
    // Both forms are of one name: whoever has one knows that the other has not changed.
    return bytesAnswer(context, { ...bytes, etag: found.etag }, V3_PROTOBUF_TYPE, more)
  }
}

function documentsOf(catalog: Catalog, further: readonly string[]): readonly Document[] {
  const resources = [...catalog.all]
  return [
    ...plainOf(catalog, further),
    ...groupVersions(resources).map(({ group, version }) => ({
      path: group === '' ? `api/${version}` : `apis/${group}/${version}`,
      make: (describe: Parameters<PlainDocument['make']>[0]) => openApiV3(resources, group, version, describe),
    })),
  ]
}

function plainOf(catalog: Catalog, further: readonly string[]): readonly PlainDocument[] {
  const builtIn = catalog.groups.filter(({ group }) => group !== '' && !catalog.isCustom(group)).map(({ group }) => group)
  return plainDocuments(builtIn, further)
}

const V2_PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
/** Older clients name it with an `@`, which no media type can have. */
const V2_PROTOBUF_NAMES: readonly string[] = [V2_PROTOBUF_TYPE, 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf']

const V3_PROTOBUF_TYPE = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf'
const V3_PROTOBUF_NAMES: readonly string[] = [V3_PROTOBUF_TYPE, 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf']

/** Whether protobuf is asked for before JSON. */
function wantsProtobuf(context: RequestContext, names: readonly string[]): boolean {
  const accept = context.header('accept')
  if (accept === undefined) return false
  const first = acceptClauses(accept).find(({ type }) => names.includes(type) || type === JSON_TYPE || type === '*/*')
  return first !== undefined && names.includes(first.type)
}

function takesJson(context: RequestContext): boolean {
  const accept = context.header('accept')
  return accept === undefined || acceptClauses(accept).some(({ type }) => type === JSON_TYPE || type === '*/*' || type === 'application/*')
}

function bytesAnswer(
  context: RequestContext,
  document: CachedDocument,
  type: string,
  more: Readonly<Record<string, string>> = {},
): HttpResponse {
  return serveDocument(context, document, { 'content-type': type, vary: V2_VARY, ...more })
}
