import { type Scope, rfc3339 } from '#base'
import { type KubeObject, type ResourceRef, type core, deepEqual, type discovery, isAlreadyExists, isConflict, refs } from '#api'
import type { ApiServer } from '#apiserver'
import type { Engine } from '#store'
import { keepDoing } from './keep-doing.ts'
import { ServerPresence } from './server-presence.ts'
import type { ServiceRange } from './service-range.ts'

const NAME = 'kubernetes'
const NAMESPACE = 'default'
const LABELS = { component: 'apiserver', provider: NAME }

/** How pods find the API. */
export interface PublishedApi {
  /** The first one has the API's own address. */
  readonly ranges: readonly ServiceRange[]
  readonly address: string
  readonly port: number
}

/** kube-apiserver's period too. */
const EVERY_MS = 10_000

/**
 * Keeps the Service by which pods find the API, and where it leads: to this server, and to all others of a shared store. Resolves with
 * what has to be called before the store is closed.
 */
export async function publishApi(
  scope: Scope,
  server: Pick<ApiServer, 'reader' | 'writer'>,
  engine: Engine,
  api: PublishedApi,
): Promise<() => Promise<void>> {
  await publishService(scope, server, api)
  if (server.reader.get(refs.servicecidrs, '', NAME) === undefined) await publishRanges(scope, server.writer, api.ranges)
  if (!engine.shared) {
    await publishEndpoints(scope, server, [api.address], api.port)
    return async () => undefined
  }
  const presence = new ServerPresence(engine, api.address)
  const own = scope.detached().child()
  const note = async (): Promise<void> => publishEndpoints(own, server, await presence.note(own), api.port)
  await note()
  const keeping = keepDoing(own, EVERY_MS, 'this server is not published', note)
  return async () => {
    own.cancel()
    await keeping
    const left = await presence.leave()
    if (left.length > 0) await publishEndpoints(scope.detached(), server, left, api.port)
  }
}

type Server = Pick<ApiServer, 'reader' | 'writer'>
const metadata = { name: NAME, namespace: NAMESPACE }

function publishService(scope: Scope, server: Server, { ranges, port }: PublishedApi): Promise<void> {
  const first = ranges[0]?.first ?? ''
  const service: core.Service = {
    metadata: { ...metadata, labels: LABELS },
    spec: {
      type: 'ClusterIP',
      clusterIP: first,
      clusterIPs: [first],
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  }
  return ensure(scope, server, refs.services, service, ({ spec }) => spec?.ports?.[0]?.targetPort === port)
}

async function publishEndpoints(scope: Scope, server: Server, addresses: readonly string[], port: number): Promise<void> {
  const skip = 'endpointslice.kubernetes.io/skip-mirror'
  const endpoints: core.Endpoints = {
    metadata: { ...metadata, labels: { [skip]: 'true' } },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  }
  const slice: discovery.EndpointSlice = {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': NAME } },
    addressType: addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  }
  await ensure(scope, server, refs.endpoints, endpoints, (stored) => deepEqual(stored.subsets, endpoints.subsets))
  await ensure(
    scope,
    server,
    refs.endpointslices,
    slice,
    (stored) => deepEqual(stored.endpoints?.map((one) => one.addresses[0]) ?? [], addresses) && stored.ports?.[0]?.port === port,
  )
}

async function ensure<T extends KubeObject>(
  scope: Scope,
  { reader, writer }: Server,
  ref: ResourceRef<T>,
  wanted: T,
  same: (stored: T) => boolean,
): Promise<void> {
  const stored = reader.get(ref, NAMESPACE, NAME)
  if (stored === undefined) {
    await writer.create(scope, ref, wanted).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  } else if (!same(stored))
    await writer
      .update(scope, ref, { ...stored, ...wanted, metadata: { ...stored.metadata, ...wanted.metadata } })
      .catch((error: unknown) => {
        // Another server says the same just now.
        if (!isConflict(error)) throw error
      })
}

/** The ranges that this server gives Services addresses from, as an object. */
async function publishRanges(scope: Scope, writer: ApiServer['writer'], ranges: readonly ServiceRange[]): Promise<void> {
  try {
    await writer.create(scope, refs.servicecidrs, { metadata: { name: NAME }, spec: { cidrs: ranges.map(({ cidr }) => cidr) } })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
  const ready = { type: 'Ready', status: 'True', message: 'Kubernetes default Service CIDR is ready' }
  await writer.applyStatus(scope, refs.servicecidrs, NAME, 'kubernetes-service-cidr-controller', {
    conditions: [{ ...ready, lastTransitionTime: rfc3339(scope.clock.now()) }],
  })
}
