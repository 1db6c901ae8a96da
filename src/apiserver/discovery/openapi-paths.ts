import type { HttpResponse } from '#base'
import { groupVersions, openApiIndex, openApiV2, openApiV3 } from '#api'
import type { Catalog } from '../registry/catalog.ts'
import type { RequestContext } from '../registry/context.ts'
import { methodNotAllowed } from '../registry/routing-errors.ts'
import type { PathHandler } from '../router/handler.ts'
import { DocumentCache } from './document-cache.ts'

const ROOT = '/openapi/v3'
const JSON_TYPE = 'application/json'
/** A document under a name with its hash never changes. */
const FOREVER = 'public, immutable'

/** `/openapi/v2`, `/openapi/v3` and the documents below it, made when they are first asked for. */
export function openApiPaths(catalog: Catalog): PathHandler {
  const documents = new DocumentCache(catalog)
  const document = (group: string, version: string): ReturnType<DocumentCache['bytes']> =>
    documents.bytes(`v3 ${group}/${version}`, () => openApiV3([...catalog.all], group, version))
  const hashOf = (group: string, version: string): string => document(group, version).etag.slice(1, -1)
  return (context) => {
    const { path } = context.info
    if (path !== '/openapi/v2' && path !== ROOT && !path.startsWith(`${ROOT}/`)) return undefined
    const { method } = context.request
    if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed()
    if (path === '/openapi/v2')
      return bytesAnswer(
        context,
        documents.bytes('v2', () => openApiV2([...catalog.all])),
        JSON_TYPE,
      )
    if (path === ROOT)
      return bytesAnswer(
        context,
        documents.bytes('v3', () => openApiIndex([...catalog.all], hashOf)),
        'text/plain; charset=utf-8',
      )
    const wanted = groupVersions([...catalog.all]).find(
      ({ group, version }) => path === `${ROOT}/${group === '' ? `api/${version}` : `apis/${group}/${version}`}`,
    )
    if (wanted === undefined) return { status: 404, headers: {}, body: { kind: 'empty' } }
    const hash = hashOf(wanted.group, wanted.version)
    const asked = context.info.query.get('hash')
    // Whoever comes with an old name is shown the new one.
    if (asked !== null && asked !== hash) return { status: 301, headers: { location: `${path}?hash=${hash}` }, body: { kind: 'empty' } }
    return bytesAnswer(context, document(wanted.group, wanted.version), JSON_TYPE, asked === null ? {} : { 'cache-control': FOREVER })
  }
}

function bytesAnswer(
  context: RequestContext,
  { bytes, etag }: ReturnType<DocumentCache['bytes']>,
  type: string,
  more: Readonly<Record<string, string>> = {},
): HttpResponse {
  const headers = { 'content-type': type, etag, vary: 'Accept-Encoding, Accept', ...more }
  if (context.header('if-none-match') === etag) return { status: 304, headers, body: { kind: 'empty' } }
  return { status: 200, headers, body: { kind: 'bytes', chunks: [bytes] } }
}
