import type { Engine, KeyValue } from '#store'
import { Compacted, FutureRevision } from '#store'
import type { Scope } from '#base'
import { StatusError, statusError } from '#api'
import { type ContinueToken, decodeContinue, encodeContinue } from './continue-token.ts'
import type { ResourceCache } from '../cache.ts'
import { Entry, LabelPool } from '../entry.ts'
import type { ChangeHub } from '../hub.ts'
import type { PageStore } from './page-store.ts'
import { type Selection, hasSelector, keyRange, matches, needsConversion, needsFields } from './selection.ts'
import { withRevision } from '../stored/wire.ts'

export interface ListRequest {
  readonly selection: Selection
  /** As in the query; empty when it is not there. */
  readonly resourceVersion: string
  readonly match: '' | 'Exact' | 'NotOlderThan'
  /** 0 for no limit. */
  readonly limit: number
  readonly continue: string
  /** What must have been done to objects before it can be said whether they match. */
  readonly prepare?: ((entries: readonly Entry[]) => Promise<void> | undefined) | undefined
}

export interface ListPage {
  readonly entries: readonly Entry[]
  readonly revision: number
  readonly continue: string
  /** Undefined when it is not told. */
  readonly remaining: number | undefined
}

export interface ListContext {
  readonly cache: ResourceCache
  readonly hub: ChangeHub
  readonly engine: Engine
  readonly pages: PageStore
}

/** How long a client waits for a revision that the server has not reached. */
const FUTURE_WAIT_MS = 3_000

/** Reads one list or one page of it, at the moment that the request asks for. Throws `StatusError` 400, 410 or 504. */
export async function listPage(scope: Scope, context: ListContext, request: ListRequest): Promise<ListPage> {
  const { cache, hub } = context
  const loading = cache.ready()
  if (loading !== undefined) await loading
  // Whoever takes any state takes all that is left.
  if (request.continue !== '') return continued(scope, context, request.resourceVersion === '0' ? { ...request, limit: 0 } : request)
  if (request.resourceVersion === '' || request.resourceVersion === '0') {
    const waiting = request.resourceVersion === '' ? hub.current() : undefined
    if (waiting !== undefined) await waiting
    return present(context, request, request.resourceVersion === '0' ? 0 : request.limit)
  }
  const asked = Number(request.resourceVersion)
  const exact = request.match === 'Exact' || (request.match === '' && request.limit > 0)
  if (asked > cache.revision) await reachRevision(scope, context, asked, !exact)
  if (exact) return atRevision(scope, context, request, asked, '')
  return present(context, request, request.limit)
}

/** The newest state. The first page of a paged list keeps its snapshot for the pages after it. */
function present(context: ListContext, request: ListRequest, limit: number): ListPage | Promise<ListPage> {
  const { cache } = context
  const { selection } = request
  if (!needsConversion(selection)) return presentNow(context, request, limit)
  const preparing = request.prepare?.(cache.select({ ...selection, labels: undefined, fields: [] }))
  // What changes meanwhile has not been prepared.
  return preparing === undefined ? presentNow(context, request, limit) : preparing.then(() => present(context, request, limit))
}

function presentNow(context: ListContext, request: ListRequest, limit: number): ListPage {
  const { cache, pages } = context
  const { selection } = request
  const { revision } = cache
  if (limit <= 0) return { entries: cache.select(selection), revision, continue: '', remaining: undefined }
  if (needsFields(selection)) cache.wantFields()
  const snapshot = cache.snapshot()
  const range = keyRange(selection, cache.resource.namespaced)
  const page = cut(snapshot.slice(range.from, range.to), selection, limit, revision)
  if (page.continue !== '') pages.keep(cache, revision, snapshot)
  return page
}

function cut(all: readonly Entry[], selection: Selection, limit: number, revision: number): ListPage {
  if (!hasSelector(selection)) {
    if (limit <= 0 || all.length <= limit) return { entries: all, revision, continue: '', remaining: undefined }
    return { entries: all.slice(0, limit), revision, continue: after(all[limit - 1], revision), remaining: all.length - limit }
  }
  const entries: Entry[] = []
  for (let at = 0; at < all.length; at++) {
    const entry = all[at] as Entry
    if (!matches(selection, entry)) continue
    entries.push(entry)
    if (entries.length === limit)
      return { entries, revision, continue: at < all.length - 1 ? after(entry, revision) : '', remaining: undefined }
  }
  return { entries, revision, continue: '', remaining: undefined }
}

const after = (last: Entry | undefined, revision: number): string => encodeContinue({ revision, start: `${last?.key ?? ''}\0` })

async function continued(scope: Scope, context: ListContext, request: ListRequest): Promise<ListPage> {
  const token: ContinueToken = decodeContinue(request.continue)
  if (request.resourceVersion !== '' && request.resourceVersion !== '0')
    throw statusError.badRequest('specifying resource version is not allowed when using continue')
  if (token.revision > 0) return atRevision(scope, context, request, token.revision, token.start)
  // A list that has outlived its history goes on in the present.
  const waiting = context.hub.current()
  if (waiting !== undefined) await waiting
  const { cache } = context
  const range = keyRange(request.selection, cache.resource.namespaced)
  const from = token.start > range.from ? token.start : range.from
  const { revision } = cache
  const all = cache.snapshot().slice(from, range.to)
  if (needsConversion(request.selection)) await request.prepare?.(all)
  return cut(all, request.selection, request.limit, revision)
}

/** The state at one revision: the present when nothing has changed since, a kept snapshot, or what the store remembers. */
async function atRevision(scope: Scope, context: ListContext, request: ListRequest, revision: number, start: string): Promise<ListPage> {
  const { cache, pages, engine } = context
  const { selection, limit } = request
  const range = keyRange(selection, cache.resource.namespaced)
  const from = start > range.from ? start : range.from
  // What is compacted has expired for everybody, and so for a list that could still be shown because nothing of it has changed.
  if (revision < engine.compactedRevision) throw expired(context, revision, start)
  if (needsFields(selection)) cache.wantFields()
  const kept = revision >= cache.lastChange && revision <= cache.revision ? cache.snapshot() : pages.find(cache, revision)
  const all = kept?.slice(from, range.to) ?? (await fromStore(scope, context, revision, start, from, range.to))
  if (needsConversion(selection)) await request.prepare?.(all)
  return cut(all, selection, limit, revision)
}

async function fromStore(
  scope: Scope,
  context: ListContext,
  revision: number,
  start: string,
  from: string,
  to: string | undefined,
): Promise<Entry[]> {
  const { cache, engine } = context
  scope.check()
  const pool = new LabelPool()
  const entryOf = (item: KeyValue): Entry => {
    const bytes = withRevision(item.value, item.modRevision)
    const entry = new Entry(item.key.slice(cache.prefix.length), bytes, item.modRevision, pool.of(bytes), undefined)
    entry.fields = cache.fieldsOf(entry)
    return entry
  }
  try {
    const { items } = await engine.range({
      prefix: cache.prefix,
      atRevision: revision,
      ...(scope.span === undefined ? {} : { span: scope.span }),
    })
    return items
      .filter((item) => {
        const key = item.key.slice(cache.prefix.length)
        return key >= from && (to === undefined || key < to)
      })
      .map(entryOf)
  } catch (error) {
    if (error instanceof FutureRevision) throw tooLarge(revision, cache.revision)
    if (error instanceof Compacted) throw expired(context, revision, start)
    throw error
  }
}

async function reachRevision(scope: Scope, context: ListContext, revision: number, retryAfter: boolean): Promise<void> {
  const { cache, hub } = context
  const reached = hub.reached(revision)
  if (reached === undefined) return
  let timedOut = false
  await Promise.race([reached, scope.sleep(FUTURE_WAIT_MS).then(() => (timedOut = true))])
  if (timedOut) throw tooLarge(revision, cache.revision, retryAfter)
}

export function tooLarge(revision: number, current: number, retryAfter = true): StatusError {
  return new StatusError(
    {
      code: 504,
      reason: 'Timeout',
      message: `Timeout: Too large resource version: ${revision}, current: ${current}`,
      details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
    },
    retryAfter ? { 'retry-after': '1' } : {},
  )
}

const expired = ({ cache }: ListContext, revision: number, start: string): StatusError =>
  start === '' ? tooOld(revision, cache.revision) : continueTooOld(start)

function tooOld(revision: number, oldest: number): StatusError {
  return statusError.expired(`too old resource version: ${revision} (${oldest})`)
}

/** The refusal carries a token that goes on in the present, for clients that can live with that. */
function continueTooOld(start: string): StatusError {
  const refusal = statusError.expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  )
  refusal.status.metadata['continue'] = encodeContinue({ revision: -1, start })
  return refusal
}
