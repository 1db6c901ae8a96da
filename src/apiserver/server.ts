import { type HttpHandler, type Scope, leadsOutward } from '#base'
import type { Engine } from '#store'
import type { Resource } from '#api'
import type {
  AdmissionStep,
  Authenticator,
  Authorizer,
  ObjectReader,
  ObjectWriter,
  RawRoute,
  VirtualResource,
  WriteGuard,
  StartReader,
} from './contract.ts'
import { type Convert, converter, equivalentsOf } from './admission/webhooks/versions.ts'
import type { Aggregator } from './aggregation/aggregator.ts'
import type { ConversionCaller } from './crd/conversion-webhook.ts'
import { CustomDefinitions } from './crd/definitions.ts'
import { definitionHook } from './crd/definition-hook.ts'
import { terminatingStep } from './crd/terminating-step.ts'
import type { Impersonation } from './auth/impersonate/impersonate.ts'
import { discoveryPaths } from './discovery/discovery-paths.ts'
import { HEALTH_PATHS, type HealthCheck, healthIndex, healthPaths } from './discovery/health.ts'
import { StartSteps } from './discovery/start-steps.ts'
import { componentPages } from './discovery/component-pages.ts'
import { openApiPaths } from './discovery/openapi-paths.ts'
import type { Fairness } from './flowcontrol/fairness.ts'
import { NO_REMOTE_GROUPS } from './discovery/merged-groups.ts'
import { type VersionInfo, indexPath, rawPaths, versionPath } from './discovery/plain-paths.ts'
import { metricsPath } from './observe/metrics-path.ts'
import { writeApiServices } from './observe/apiservice-metrics.ts'
import { MeteredEngine } from './observe/metered-engine.ts'
import { type MetricSource, ServerMetrics } from './observe/server-metrics.ts'
import { Catalog } from './registry/catalog.ts'
import type { Core, RegistryHook } from './registry/core.ts'
import type { SpecialHandler } from './registry/special-handler.ts'
import { OwnershipMemory } from './registry/ownership/ownership-memory.ts'
import { namespaceHook } from './registry/namespaces.ts'
import { type Follow, cacheFollow } from './registry/read/follow.ts'
import { cacheReader } from './registry/read/reader.ts'
import { componentStatus } from './registry/special/component-status.ts'
import { namespaceFinalize } from './registry/special/namespace-finalize.ts'
import type { ConvertBatch } from './registry/view.ts'
import { Views } from './registry/views.ts'
import { virtualHandler, virtualKey } from './registry/virtual.ts'
import { objectWriter } from './registry/write/writer.ts'
import { Negotiator } from './respond/media.ts'
import { type Audit, type PathHandler, requestHandler } from './router/handler.ts'
import type { Tracer } from './trace/tracer.ts'
import { CacheSet, type CacheSetOptions } from './watchcache/cache-set.ts'

export interface ApiServerOptions {
  readonly engine: Engine
  /** In the order in which they are announced. */
  readonly resources: readonly Resource[]
  readonly authenticators: readonly Authenticator[]
  /** Whether this path is open to those who say nothing of themselves. Absent: every path. */
  readonly mayBeAnonymous?: ((path: string) => boolean) | undefined
  readonly authorizers: readonly Authorizer[]
  readonly impersonation?: Impersonation
  readonly admission?: readonly AdmissionStep[]
  /** The rule on what is written together with an object. */
  readonly guard?: WriteGuard
  /** By `pods`, `deployments.apps`. */
  readonly hooks?: Readonly<Record<string, RegistryHook>>
  readonly specials?: Readonly<Record<string, SpecialHandler>>
  readonly virtual?: readonly VirtualResource[]
  readonly rawRoutes?: readonly RawRoute[]
  /** Asked before the server's own paths. */
  readonly paths?: readonly PathHandler[]
  /** Which addresses of endpoints conversion webhooks may be called at. Default: all but this machine itself and the link. */
  readonly isWebhookAddress?: (ip: string) => boolean
  /** Decides whose turn it is. Absent: everybody's, at once. */
  readonly fairness?: Fairness
  /** Serves groups of other servers. */
  readonly aggregator?: Aggregator
  readonly healthChecks?: readonly HealthCheck[]
  /** How far the start is, where others take part in it. */
  readonly startSteps?: StartSteps
  /** What the server was started with, for `/flagz`. */
  readonly flags?: Readonly<Record<string, string>>
  readonly version?: Partial<VersionInfo>
  readonly cache?: CacheSetOptions
  readonly audit?: Audit
  /** Records what requests are made of. Absent: nothing is recorded. */
  readonly tracer?: Tracer | undefined
}

export interface ApiServer {
  readonly handler: HttpHandler
  readonly reader: StartReader
  readonly writer: ObjectWriter
  /** What is served; resources may be added and removed while the server runs. */
  readonly catalog: Catalog
  readonly caches: CacheSet
  readonly follow: Follow
  /** All served versions of a kind. */
  readonly equivalents: (resource: Resource) => readonly Resource[]
  readonly convert: Convert
  /** The resource of a kind that is served now. */
  readonly findKind: (apiVersion: string, kind: string) => Resource | undefined
  /** Resolves when every request can be answered. */
  readonly ready: Promise<void>
  /** A connection whose TLS handshake has failed. */
  handshakeFailed(): void
  /** Shows what others have counted at `/metrics` too. */
  addMetrics(source: MetricSource): void
  /** From now on it says that it is not ready, so that nobody new comes. */
  retire(): void
  /** Ends all watches. The engine belongs to the caller. */
  close(): void
}

const UNKNOWN_BUILD: VersionInfo = {
  gitVersion: 'v1.36.3',
  gitCommit: '0000000000000000000000000000000000000000',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  platform: 'linux/amd64',
}

/** Puts the API server together over a store. Ends with the scope; `handler` can be called from a socket or from this process. */
export function createApiServer(scope: Scope, options: ApiServerOptions): ApiServer {
  const own = scope.child()
  const catalog = new Catalog(options.resources)
  const metrics = new ServerMetrics(own.clock, (key) => {
    for (const resource of catalog.all) if (resource.storage !== undefined && key.startsWith(`${resource.storage.prefix}/`)) return resource
    return undefined
  })
  const engine = new MeteredEngine(options.engine, own.clock, metrics.store)
  const caches = new CacheSet(own, engine, options.cache)
  let caller: Promise<ConversionCaller> | undefined
  const convertBatch: ConvertBatch = async (within, webhook, objects, apiVersion) => {
    caller ??= conversionCaller(own, cacheReader(catalog, views), options.isWebhookAddress ?? leadsOutward)
    return (await caller).convert(within, webhook, objects, apiVersion)
  }
  const views: Views = new Views(catalog, caches, convertBatch)
  const specials = new Map<string, SpecialHandler>((options.virtual ?? []).map((virtual) => [virtualKey(virtual), virtualHandler(virtual)]))
  specials.set('namespaces/finalize', namespaceFinalize(views))
  specials.set('componentstatuses', componentStatus)
  for (const [name, special] of Object.entries(options.specials ?? {})) specials.set(name, special)
  let definitions: CustomDefinitions | undefined
  const core: Core = {
    scope: own,
    engine,
    catalog,
    caches,
    views,
    admission: [...(options.admission ?? []), terminatingStep((name) => definitions?.isTerminating(name) ?? false)],
    guard: options.guard,
    authorizers: options.authorizers,
    hooks: new Map([
      ['namespaces', namespaceHook],
      ['customresourcedefinitions.apiextensions.k8s.io', definitionHook],
      ...Object.entries(options.hooks ?? {}),
    ]),
    negotiator: new Negotiator(),
    ownership: new OwnershipMemory(),
    watches: new Set(),
    metrics,
  }
  const steps = options.startSteps ?? new StartSteps()
  let isReady = false
  let isStopping = false
  const ready = steps
    .run(
      [
        'poststarthook/generic-apiserver-start-informers',
        'poststarthook/storage-readiness',
        'poststarthook/storage-object-count-tracker-hook',
      ],
      () => loadCaches(catalog, views),
    )
    .then(async () => {
      definitions = await steps.run(
        [
          'poststarthook/start-apiextensions-informers',
          'poststarthook/start-apiextensions-controllers',
          'poststarthook/crd-informer-synced',
        ],
        () => CustomDefinitions.start(core),
      )
      isReady = true
    })
  // Who does not wait for it sees it in the health checks.
  ready.catch((error: unknown) => own.log.error('the caches could not be filled', { error }))
  const rawRoutes = options.rawRoutes ?? []
  const { aggregator } = options
  const remotes = aggregator ?? NO_REMOTE_GROUPS
  const now = (): number => own.clock.now()
  if (options.fairness !== undefined) metrics.add((text) => options.fairness?.writeMetrics(text))
  const reader = cacheReader(catalog, views)
  if (aggregator !== undefined) metrics.add((text) => writeApiServices(reader, text))
  const version = { ...UNKNOWN_BUILD, ...options.version }
  const ownHealth = ownChecks(engine, { isReady: () => isReady, isStopping: () => isStopping })
  const checks = (): readonly HealthCheck[] => [...ownHealth.first, ...(options.healthChecks ?? []), ...steps.checks(), ...ownHealth.last]
  const handler = requestHandler({
    core,
    routes: { views, specials },
    authenticators: options.authenticators,
    ...(options.mayBeAnonymous === undefined ? {} : { mayBeAnonymous: options.mayBeAnonymous }),
    impersonation: options.impersonation,
    ...(options.fairness === undefined ? {} : { fairness: options.fairness }),
    ...(aggregator === undefined ? {} : { aggregate: (context) => aggregator.handle(context) }),
    paths: [
      ...(options.paths ?? []),
      healthPaths(checks, metrics.health),
      ...componentPages({ name: 'apiserver', startMs: now(), version, flags: options.flags ?? {} }, now),
      discoveryPaths(catalog, remotes, now),
      openApiPaths(
        catalog,
        rawRoutes.map(({ path }) => path),
        remotes,
        now,
      ),
      metricsPath(core, metrics, version.gitVersion),
      versionPath(version),
      rawPaths(rawRoutes),
      indexPath(() => pathIndex(catalog, rawRoutes, checks())),
    ],
    metrics,
    tracer: options.tracer,
    ...(options.audit === undefined ? {} : { audit: { policy: options.audit.policy, sink: metrics.audit.counting(options.audit.sink) } }),
  })
  return {
    handler,
    reader,
    writer: objectWriter(core, views),
    catalog,
    caches,
    follow: cacheFollow(catalog, views),
    equivalents: (resource) => equivalentsOf(catalog.all, resource),
    convert: converter(convertBatch),
    findKind: (apiVersion, kind) => {
      const slash = apiVersion.indexOf('/')
      return catalog.findKind(slash === -1 ? '' : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind)
    },
    ready,
    handshakeFailed: () => metrics.access.handshakeFailed(),
    addMetrics: (source) => metrics.add(source),
    retire() {
      isStopping = true
    },
    close() {
      for (const watch of core.watches) watch.end()
      own.cancel()
    },
  }
}

/** An engine that answers at once fills each cache when it is first asked for; one behind a network must have been asked before. */
async function loadCaches(catalog: Catalog, views: Views): Promise<void> {
  for (const resource of catalog.all) {
    if (resource.storage === undefined || resource.conversion !== undefined) continue
    const { cache } = views.of(resource)
    if (cache.loadsAtOnce) return
    await cache.ready()
  }
}

/** Loaded with the first object that a webhook has to convert. */
async function conversionCaller(scope: Scope, reader: ObjectReader, isAllowed: (ip: string) => boolean): Promise<ConversionCaller> {
  const { ConversionCaller: Caller } = await import('./crd/conversion-webhook.ts')
  return new Caller(scope, { reader, isAllowed })
}

const FIXED_PATHS = [
  '/api',
  '/apis',
  '/apis/',
  '/flagz',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/statusz',
  '/version',
]

interface OwnState {
  isReady(): boolean
  isStopping(): boolean
}

/** What comes before the steps of the start, and after them. */
function ownChecks(engine: Engine, { isReady, isStopping }: OwnState): { readonly first: HealthCheck[]; readonly last: HealthCheck[] } {
  const store = async (): Promise<void> => {
    await engine.get('/registry/health')
  }
  return {
    first: [
      { name: 'ping', on: HEALTH_PATHS, check: () => undefined },
      { name: 'log', on: HEALTH_PATHS, check: () => undefined },
      { name: 'etcd', on: HEALTH_PATHS, check: store },
      { name: 'etcd-readiness', on: ['readyz'], check: store },
      {
        name: 'informer-sync',
        on: ['readyz'],
        check: () => {
          if (!isReady()) throw new Error('the caches are being filled')
        },
      },
    ],
    last: [
      {
        name: 'shutdown',
        on: ['readyz'],
        check: () => {
          if (isStopping()) throw new Error('process is shutting down')
        },
      },
    ],
  }
}

function pathIndex(catalog: Catalog, routes: readonly RawRoute[], checks: readonly HealthCheck[]): string[] {
  const groups = catalog.groups.flatMap(({ group, versions }) =>
    group === ''
      ? versions.map(({ version }) => `/api/${version}`)
      : [`/apis/${group}`, ...versions.map(({ version }) => `/apis/${group}/${version}`)],
  )
  return [...FIXED_PATHS, ...groups, ...healthIndex(checks), ...routes.map(({ path }) => path)]
}
