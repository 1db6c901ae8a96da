import { type HttpResponse, type Labels, type MetricDefinition, MetricText } from '#base'
import type { EngineStats } from '#store'
import type { Core } from '../registry/core.ts'
import { qualifiedName } from '../registry/core.ts'
import type { RequestContext } from '../registry/context.ts'
import { methodNotAllowed } from '../registry/routing-errors.ts'
import type { PathHandler } from '../router/handler.ts'
import type { ResourceCache } from '../watchcache/cache.ts'
import { writeProcess } from './process-metrics.ts'
import type { ServerMetrics } from './server-metrics.ts'

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'

const OBJECTS: MetricDefinition = { name: 'apiserver_resource_objects', help: 'Objects stored, by resource.', type: 'gauge' }
const STORAGE_OBJECTS: MetricDefinition = {
  name: 'apiserver_storage_objects',
  help: 'Objects stored, by resource, under the name that older dashboards use.',
  type: 'gauge',
}
const CACHE_REVISION: MetricDefinition = {
  name: 'apiserver_watch_cache_resource_version',
  help: 'Revision that the watch cache of a resource has reached.',
  type: 'gauge',
}
const LONG_RUNNING: MetricDefinition = { name: 'apiserver_longrunning_requests', help: 'Watches that are open now.', type: 'gauge' }
const BUILD: MetricDefinition = { name: 'kubernetes_build_info', help: 'Always 1; names the Kubernetes that is spoken.', type: 'gauge' }
const SIZE: MetricDefinition = {
  name: 'apiserver_resource_size_estimate_bytes',
  help: 'Bytes of the objects stored, by resource.',
  type: 'gauge',
}
const FILE_SIZE: MetricDefinition = { name: 'apiserver_storage_size_bytes', help: 'Bytes of the database.', type: 'gauge' }
const RECEIVED: MetricDefinition = {
  name: 'apiserver_watch_cache_events_received_total',
  help: 'Changes that a watch cache has been told of.',
  type: 'counter',
}
const STORE_EVENTS: MetricDefinition = {
  name: 'apiserver_storage_events_received_total',
  help: 'Changes that the store has told of.',
  type: 'counter',
}
const DISPATCHED: MetricDefinition = {
  name: 'apiserver_watch_cache_events_dispatched_total',
  help: 'Changes that a watch cache has told its watchers of.',
  type: 'counter',
}
const INITIALIZATIONS: MetricDefinition = {
  name: 'apiserver_watch_cache_initializations_total',
  help: 'How often a watch cache was filled from the store.',
  type: 'counter',
}

/** `/metrics` and `/metrics/slis`, made when they are asked for. */
export function metricsPath(core: Core, metrics: ServerMetrics, version: string): PathHandler {
  const startedAtSeconds = core.scope.clock.now() / 1000
  const [major = '', minor = ''] = version.replace(/^v/, '').split('.')
  return (context: RequestContext) => {
    const { path } = context.info
    if (path !== '/metrics' && path !== '/metrics/slis') return undefined
    const { method } = context.request
    if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed()
    const text = new MetricText()
    if (path === '/metrics/slis') {
      metrics.health.write(text)
      return answer(text)
    }
    metrics.write(text)
    writeCaches(core, text)
    writeWatches(core, text)
    text.single(BUILD, 1, { git_version: version, major, minor })
    writeProcess(text, startedAtSeconds)
    const stats = core.engine.stats()
    const finish = ({ sizeBytes }: EngineStats): HttpResponse => {
      text.single(FILE_SIZE, sizeBytes, { storage_cluster_id: 'etcd-0' })
      return answer(text)
    }
    // A store that cannot be asked is no reason to say nothing.
    return stats instanceof Promise ? stats.then(finish, () => answer(text)) : finish(stats)
  }
}

function answer(text: MetricText): HttpResponse {
  return { status: 200, headers: { 'content-type': CONTENT_TYPE }, body: { kind: 'bytes', chunks: [Buffer.from(text.toString())] } }
}

function writeWatches({ watches }: Core, text: MetricText): void {
  text.family(LONG_RUNNING)
  const counts = new Map<string, { readonly labels: Labels; count: number }>()
  for (const { labels } of watches) {
    const key = Object.values(labels).join('\0')
    const known = counts.get(key)
    if (known === undefined) counts.set(key, { labels, count: 1 })
    else known.count++
  }
  for (const { labels, count } of counts.values()) text.sample(LONG_RUNNING.name, labels, count)
}

function writeCaches(core: Core, text: MetricText): void {
  const caches = [...core.caches.all].filter((cache) => cache.isReady)
  text.family(OBJECTS)
  for (const { resource, size } of caches) text.sample(OBJECTS.name, { group: resource.group, resource: resource.plural }, size)
  text.family(STORAGE_OBJECTS)
  for (const { resource, size } of caches) text.sample(STORAGE_OBJECTS.name, { resource: qualifiedName(resource) }, size)
  text.family(CACHE_REVISION)
  for (const { resource, revision } of caches)
    text.sample(CACHE_REVISION.name, { group: resource.group, resource: resource.plural }, revision)
  const numbers: readonly (readonly [MetricDefinition, (cache: ResourceCache) => number])[] = [
    [SIZE, ({ bytes }) => bytes],
    [STORE_EVENTS, ({ counts }) => counts.received],
    [RECEIVED, ({ counts }) => counts.received],
    [DISPATCHED, ({ counts }) => counts.received],
    [INITIALIZATIONS, ({ counts }) => counts.fills],
  ]
  for (const [definition, numberOf] of numbers) {
    text.family(definition)
    for (const cache of caches)
      text.sample(definition.name, { group: cache.resource.group, resource: cache.resource.plural }, numberOf(cache))
  }
}
