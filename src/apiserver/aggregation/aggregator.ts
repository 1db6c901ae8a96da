import type { HttpResponse, Scope } from '#base'
import type { ObjectReader, ObjectWriter } from '../contract.ts'
import type { Follow } from '../registry/read/follow.ts'
import type { RequestContext } from '../registry/context.ts'
import type { OpenApiPart } from './merge-openapi.ts'
import { watchAvailability } from './availability.ts'
import { passRequest } from './pass-request.ts'
import { type FrontProxyCredentials, RemoteDialler } from './remote-dialler.ts'
import { type DiscoveredVersion, RemoteDiscovery } from './remote-discovery.ts'
import { RemoteServices, byVersion } from './remote-services.ts'

export interface AggregatorOptions {
  readonly reader: ObjectReader
  readonly follow: Follow
  readonly credentials: FrontProxyCredentials
  /** Which addresses of endpoints requests may be passed on to. */
  readonly isAllowed: (ip: string) => boolean
}

/** A group that other servers serve versions of. */
export interface RemoteGroup {
  readonly group: string
  readonly priority: number
  /** Preferred first. */
  readonly versions: readonly {
    readonly version: string
    readonly priority: number
    readonly discovered: () => DiscoveredVersion
    readonly openApi: string | undefined
  }[]
}

/** Groups of other servers behind this one. */
export interface Aggregator {
  /** Undefined for a path that no other server serves. */
  handle(context: RequestContext): Promise<HttpResponse> | undefined
  /** Of the documents about what is served: rises when one of them may have changed. */
  readonly version: number
  groups(): readonly RemoteGroup[]
  /** What the others say of their paths in OpenAPI version 2. */
  openApiParts(): readonly OpenApiPart[]
  /** Begins to look after the other servers. */
  start(writer: ObjectWriter): void
}

const OPENAPI = '/openapi/v3'

export function createAggregator(scope: Scope, options: AggregatorOptions): Aggregator {
  const { reader, follow, credentials, isAllowed } = options
  const services = new RemoteServices(scope, reader, follow)
  const dialler = new RemoteDialler(scope, { reader, credentials, isAllowed })
  const discovery = new RemoteDiscovery(scope, dialler, services)
  return {
    handle(context) {
      if (services.isEmpty) return undefined
      const { path, rawQuery } = context.info
      const isOpenApi = path.startsWith(`${OPENAPI}/`)
      const [root, group = '', version = ''] = (isOpenApi ? path.slice(OPENAPI.length + 1) : path.slice(1)).split('/')
      if (root !== 'apis' || version === '') return undefined
      const service = services.find(group, version)
      // A server that is away has no documents: clients go on with those of the others.
      if (service === undefined || (isOpenApi && !service.isAvailable)) return undefined
      return passRequest(context, dialler, service, rawQuery === '' ? path : `${path}?${rawQuery}`)
    },
    get version() {
      return services.version + discovery.version
    },
    groups() {
      const groups = Map.groupBy(services.all(), ({ group }) => group)
      return [...groups].map(([group, members]) => ({
        group,
        priority: Math.max(...members.map(({ groupPriority }) => groupPriority)),
        versions: members
          .map((service) => ({
            version: service.version,
            priority: service.versionPriority,
            discovered: () => discovery.versionOf(service),
            openApi: discovery.openApiOf(service),
          }))
          .sort(byVersion),
      }))
    },
    openApiParts: () => services.all().flatMap((service) => discovery.partOf(service) ?? []),
    start(writer) {
      watchAvailability(scope, {
        reader,
        writer,
        follow,
        services,
        dialler,
        onAnswer: (service) => void discovery.refresh({ ...service, isAvailable: true }),
      })
    },
  }
}
