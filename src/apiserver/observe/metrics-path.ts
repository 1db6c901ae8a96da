import type { HttpResponse } from '#base'
import type { Core } from '../registry/core.ts'
import { qualifiedName } from '../registry/core.ts'
import type { RequestContext } from '../registry/context.ts'
import { methodNotAllowed } from '../registry/routing-errors.ts'
import type { PathHandler } from '../router/handler.ts'
import { type MetricDefinition, MetricText } from './metric-text.ts'
import type { RequestMetrics } from './request-metrics.ts'

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
const CPU: MetricDefinition = { name: 'process_cpu_seconds_total', help: 'CPU time of this process.', type: 'counter' }
const MEMORY: MetricDefinition = { name: 'process_resident_memory_bytes', help: 'Resident memory of this process.', type: 'gauge' }
const START: MetricDefinition = {
  name: 'process_start_time_seconds',
  help: 'When this process began, in seconds since the epoch.',
  type: 'gauge',
}

/** `/metrics`, made when it is asked for. */
export function metricsPath(core: Core, requests: RequestMetrics, version: string): PathHandler {
  const startedAtSeconds = core.scope.clock.now() / 1000
  return (context: RequestContext): HttpResponse | undefined => {
    if (context.info.path !== '/metrics') return undefined
    const { method } = context.request
    if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed()
    const text = new MetricText()
    requests.write(text)
    writeCaches(core, text)
    text.single(LONG_RUNNING, core.watches.size, { verb: 'WATCH' })
    const [major = '', minor = ''] = version.replace(/^v/, '').split('.')
    text.single(BUILD, 1, { git_version: version, major, minor })
    const { user, system } = process.cpuUsage()
    text.single(CPU, (user + system) / 1e6)
    text.single(MEMORY, process.memoryUsage.rss())
    text.single(START, startedAtSeconds)
    return {
      status: 200,
      headers: { 'content-type': CONTENT_TYPE },
      body: { kind: 'bytes', chunks: [Buffer.from(text.toString())] },
    }
  }
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
}
