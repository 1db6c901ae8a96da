import type { BodySink, Clock, HttpResponse, Scope } from '#base'
import { type Status, StatusError, statusError } from '#api'
import { includeObject } from '../../respond/objects.ts'
import type { IncludeObject } from '../../respond/table.ts'
import { objectShape, partialShape, tableShape } from '../../respond/shapes.ts'
import { type Accepted, JSON_TYPE, PROTOBUF_WATCH_TYPE } from '../../respond/media.ts'
import { protobufPartialShape, protobufShape } from '../../respond/protobuf-shape.ts'
import type { Entry } from '../../watchcache/entry.ts'
import type { Shape } from '../../watchcache/frames.ts'
import { tooLarge } from '../../watchcache/lists/list-page.ts'
import { type Selection, needsConversion, needsFields } from '../../watchcache/lists/selection.ts'
import { WatchStream, type WatchStreamOptions } from '../../watchcache/watch-stream.ts'
import type { RequestContext } from '../context.ts'
import { type ListOptions, listRequest } from './list-options.ts'
import { type Core, qualifiedName } from '../core.ts'
import { answerFields, auditField, requestFields } from '../request-fields.ts'
import type { View } from '../view.ts'

/** Without a wish of the client, a watch ends after a time between this and twice this. */
const MIN_WATCH_MS = 30 * 60_000
const FUTURE_WAIT_MS = 3_000

/** Follows a resource. Refusals of the request are ordinary answers; what goes wrong later is an event of the stream. */
export async function watchObjects(context: RequestContext, view: View, namespace: string, name: string): Promise<HttpResponse> {
  const { core, info, scope } = context
  const { cache } = view
  const arrivedAt = scope.clock.monotonic()
  // As for a list; whether it can be a stream is asked last.
  context.accepted(true)
  const { options, selection: read } = listRequest(view, namespace, info.query, true)
  const accepted = context.acceptedWatch(!view.resource.typedItems)
  const shape = shapeOf(context, view, accepted)
  const mediaType = accepted.encoding === 'protobuf' ? PROTOBUF_WATCH_TYPE : JSON_TYPE
  const listing = options.bookmarks && options.sendInitialEvents === true ? context.begin('WatchList', requestFields) : undefined
  const selection: Selection = name === '' ? read : { ...read, name }
  const beginning = context.begin('cacher.Watch', auditField)
  beginning?.set({ type: qualifiedName(view.resource) })
  const loading = cache.ready()
  if (loading !== undefined) await loading
  if (needsFields(selection)) cache.wantFields()
  const timeoutMs =
    options.timeoutSeconds === undefined || options.timeoutSeconds === 0
      ? MIN_WATCH_MS * (1 + scope.random.float())
      : options.timeoutSeconds * 1000
  // What should have ended before it began is a watch that tells of nothing.
  if (shape === undefined || timeoutMs < 0) return streamAnswer(mediaType, (sink) => sink.end())
  const start = await startOf(context, view, options, selection)
  context.end(beginning)
  if (start instanceof StatusError) return streamAnswer(mediaType, (sink) => sayAndEnd(sink, shape, start.status))
  const answer: WatchStreamOptions = {
    cache,
    selection,
    shape,
    clock: core.scope.clock,
    scope: core.scope,
    bookmarks: options.bookmarks,
    marksInitialEnd: options.bookmarks && options.sendInitialEvents === true,
    timeoutMs,
    ...(needsConversion(selection) ? { prepare: (within: Scope, entry: Entry) => view.prepare(within, [entry]) } : {}),
    meter: core.metrics.watches.meter(view.resource),
    labels: {
      component: 'apiserver',
      group: info.group,
      resource: info.resource,
      scope: name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster',
      subresource: '',
      verb: 'WATCH',
      version: info.version,
    },
    ...start,
  }
  return streamAnswer(mediaType, (sink) => {
    const writing = listing === undefined ? undefined : context.begin('WatchServer.HandleHTTP', answerFields)
    startStream(core, sink, answer)
    writing?.event('Writing initial events done')
    context.end(listing)
    if (options.sendInitialEvents === true)
      core.metrics.watches.listed(view.resource, answer.labels['scope'] ?? '', (scope.clock.monotonic() - arrivedAt) / 1000)
  })
}

/** Apart from the request, of which nothing is needed any more while the watch goes on. */
function startStream({ watches }: Core, sink: BodySink, options: WatchStreamOptions): void {
  const stream = new WatchStream(sink, options, () => watches.delete(stream))
  if (!stream.ended) watches.add(stream)
}

/** What the selection may hold, in this version: what comes in meanwhile too. */
async function preparedAll(scope: Scope, view: View, selection: Selection): Promise<void> {
  for (;;) {
    const preparing = view.prepare(scope, view.cache.select({ ...selection, labels: undefined, fields: [] }))
    if (preparing === undefined) return
    await preparing
  }
}

type Start = Pick<WatchStreamOptions, 'initial' | 'fromSeq' | 'afterRevision' | 'initialRevision'>

/** Where the watch begins: with what is there, or behind a revision. */
async function startOf(context: RequestContext, view: View, options: ListOptions, selection: Selection): Promise<Start | StatusError> {
  const { cache } = view
  const { hub } = context.core.caches
  const { resourceVersion } = options
  const asked = resourceVersion === '' ? 0 : Number(resourceVersion)
  const sendsInitial = options.sendInitialEvents ?? asked === 0
  if (sendsInitial) {
    const waiting = resourceVersion === '' ? hub.current() : hub.reached(asked)
    if (waiting !== undefined) {
      let late = false
      await Promise.race([waiting, context.scope.sleep(FUTURE_WAIT_MS).then(() => (late = true))])
      if (late) throw tooLarge(asked, cache.revision)
    }
    if (needsConversion(selection)) await preparedAll(context.scope, view, selection)
    return { initial: cache.select(selection), fromSeq: cache.ring.nextSeq, afterRevision: 0, initialRevision: cache.revision }
  }
  if (asked === 0) return { initial: undefined, fromSeq: cache.ring.nextSeq, afterRevision: 0, initialRevision: cache.revision }
  const seq = cache.ring.seqAfter(asked)
  if (seq === undefined) return statusError.expired(`too old resource version: ${asked} (${cache.ring.floor})`)
  return { initial: undefined, fromSeq: seq, afterRevision: asked, initialRevision: asked }
}

/** What has been made, by view: nobody can tell it from making one for each watch. */
const shapes = new WeakMap<View, Map<string, Shape>>()

/** Undefined for a form that no event can take. */
function shapeOf(context: RequestContext, view: View, { encoding, form, formVersion }: Accepted): Shape | undefined {
  if (form === 'PartialObjectMetadataList') return undefined
  const include = form === 'Table' ? includeObject(context.info.query) : ''
  const key = `${encoding}/${form}/${formVersion}/${include}`
  let known = shapes.get(view)
  if (known === undefined) shapes.set(view, (known = new Map()))
  const before = known.get(key)
  if (before !== undefined) return before
  const shape = makeShape(context.core.scope.clock, view, { encoding, form, formVersion }, include)
  known.set(key, shape)
  return shape
}

function makeShape(
  clock: Clock,
  view: View,
  { encoding, form, formVersion }: Pick<Accepted, 'encoding' | 'form' | 'formVersion'>,
  include: IncludeObject | '',
): Shape {
  const protobuf = encoding === 'protobuf'
  if (form === 'PartialObjectMetadata') return protobuf ? protobufPartialShape(view, formVersion) : partialShape(view, formVersion)
  if (include !== '') return tableShape(view, formVersion, include, () => clock.now())
  return protobuf ? protobufShape(view) : objectShape(view)
}

function streamAnswer(mediaType: string, start: (sink: BodySink) => void): HttpResponse {
  return { status: 200, headers: { 'content-type': mediaType }, body: { kind: 'stream', start } }
}

function sayAndEnd(sink: BodySink, shape: Shape, status: Status): void {
  sink.write(shape.error(status))
  sink.end()
}
