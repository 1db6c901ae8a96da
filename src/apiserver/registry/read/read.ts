import type { HttpResponse } from '#base'
import { statusError } from '#api'
import { listPage, tooLarge } from '../../watchcache/lists/list-page.ts'
import { type Sendable, listAnswer, objectAnswer } from '../../respond/objects.ts'
import { isTrue } from '../../router/request-info.ts'
import type { Entry } from '../../watchcache/entry.ts'
import type { RequestContext } from '../context.ts'
import { type Core, qualifiedName } from '../core.ts'
import { listRequest } from './list-options.ts'
import { revisionProblem } from '../options.ts'
import { parseRevision, plainError } from '../write/object-rules.ts'
import type { View } from '../view.ts'
import { cacheKey } from '../views.ts'
import { auditField, requestFields, shownKey } from '../request-fields.ts'
import { prepared, present } from '../write/write-object.ts'

const FUTURE_WAIT_MS = 3_000

export function sendable(view: View, entry: Entry): Sendable {
  return { bytes: view.bytes(entry), object: () => view.object(entry) }
}

/** GET of one object: the bytes as they lie in the cache. */
export async function getObject(context: RequestContext, view: View, namespace: string, name: string): Promise<HttpResponse> {
  const span = context.begin('Get', requestFields)
  context.accepted(false)
  if (context.info.rawQuery.includes('export')) refuseExport(context.info.query)
  const key = cacheKey(view.resource, namespace, name)
  const reading = context.begin('cacher.Get', auditField)
  reading?.set({ key: shownKey(view.cache.prefix + key), 'resource-version': context.info.query.get('resourceVersion') ?? '' })
  const entry = await readEntry(context, view, key)
  context.end(reading)
  if (entry === undefined) throw statusError.notFound(view.resource, name)
  span?.event('About to write a response')
  return objectAnswer(context, view, 200, sendable(view, entry))
}

/** A parameter of the past. */
function refuseExport(query: URLSearchParams): void {
  const asked = query.get('export')
  if (asked !== null && isTrue(asked)) throw statusError.badRequest('the export parameter, deprecated since v1.14, is no longer supported')
}

async function readEntry(context: RequestContext, view: View, key: string): Promise<Entry | undefined> {
  const asked = context.info.rawQuery.includes('resourceVersion') ? (context.info.query.get('resourceVersion') ?? '') : ''
  if (asked === '') return present(context, view, key)
  const revision = revisionOf(asked, view.resource.kind === 'Event')
  const loading = view.cache.ready()
  if (loading !== undefined) await loading
  const reached = context.core.caches.hub.reached(revision)
  if (reached !== undefined) {
    let late = false
    await Promise.race([reached, context.scope.sleep(FUTURE_WAIT_MS).then(() => (late = true))])
    if (late) throw tooLarge(revision, view.cache.revision)
  }
  return prepared(context, view, view.cache.get(key))
}

/** Events come from upstream's store itself, all others from its watch cache: each has its own words. */
function revisionOf(text: string, isEvent: boolean): number {
  const problem = revisionProblem(text)
  if (problem === undefined) return parseRevision(text)
  const why = `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${problem}`
  throw isEvent ? statusError.badRequest(`invalid resource version: ${why}`) : plainError(500, why)
}

function countList({ metrics }: Core, { cache, resource }: View, isConsistent: boolean, returned: number): void {
  const meter = metrics.reads.meter(cache, resource)
  meter.lists.value++
  meter.returned.value += returned
  if (isConsistent) meter.consistent.value++
}

export async function listObjects(context: RequestContext, view: View, namespace: string): Promise<HttpResponse> {
  const { core, info, scope } = context
  context.begin('List', requestFields)
  // What the client cannot be answered in is refused before anything is read.
  context.accepted(true)
  const { options, selection } = listRequest(view, namespace, info.query, false)
  const reading = context.begin('cacher.GetList', auditField)
  const page = await listPage(
    scope,
    { cache: view.cache, hub: core.caches.hub, engine: core.engine, pages: core.caches.pages },
    { ...options, selection, prepare: (entries) => view.prepare(scope, entries) },
  )
  reading?.set({ type: qualifiedName(view.resource) })
  reading?.event('Filtered items', { count: page.entries.length })
  context.end(reading)
  countList(core, view, options.resourceVersion === '' && options.continue === '', page.entries.length)
  const converting = view.prepare(scope, page.entries)
  if (converting !== undefined) await converting
  return listAnswer(context, view, page)
}
