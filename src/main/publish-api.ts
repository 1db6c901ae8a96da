import { type Scope, rfc3339 } from '#base'
import { type KubeObject, type ResourceRef, type core, deepEqual, type discovery, isAlreadyExists, refs } from '#api'
import type { ApiServer } from '#apiserver'
import type { ServiceRange } from './service-range.ts'

const NAME = 'kubernetes'
const NAMESPACE = 'default'
const LABELS = { component: 'apiserver', provider: NAME }

/** The Service by which pods find the API, and where it leads: one server here. Brought up to date at each start. */
export async function publishApi(
  scope: Scope,
  { reader, writer }: ApiServer,
  range: ServiceRange,
  address: string,
  port: number,
): Promise<void> {
  const metadata = { name: NAME, namespace: NAMESPACE }
  const service: core.Service = {
    metadata: { ...metadata, labels: LABELS },
    spec: {
      type: 'ClusterIP',
      clusterIP: range.first,
      clusterIPs: [range.first],
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  }
  const skip = 'endpointslice.kubernetes.io/skip-mirror'
  const endpoints: core.Endpoints = {
    metadata: { ...metadata, labels: { [skip]: 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  }
  const slice: discovery.EndpointSlice = {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': NAME } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  }
  const ensure = async <T extends KubeObject>(ref: ResourceRef<T>, wanted: T, same: (stored: T) => boolean): Promise<void> => {
    const stored = reader.get(ref, NAMESPACE, NAME)
    if (stored === undefined) {
      await writer.create(scope, ref, wanted).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error
      })
    } else if (!same(stored))
      await writer.update(scope, ref, { ...stored, ...wanted, metadata: { ...stored.metadata, ...wanted.metadata } })
  }
  await ensure(refs.services, service, ({ spec }) => spec?.ports?.[0]?.targetPort === port)
  await ensure(refs.endpoints, endpoints, (stored) => deepEqual(stored.subsets, endpoints.subsets))
  await ensure(refs.endpointslices, slice, (stored) => stored.endpoints?.[0]?.addresses[0] === address && stored.ports?.[0]?.port === port)
  if (reader.get(refs.servicecidrs, '', NAME) === undefined) await publishRange(scope, writer, range)
}

/** The range that this server gives Services addresses from, as an object. */
async function publishRange(scope: Scope, writer: ApiServer['writer'], { cidr }: ServiceRange): Promise<void> {
  try {
    await writer.create(scope, refs.servicecidrs, { metadata: { name: NAME }, spec: { cidrs: [cidr] } })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
  await writer.changeStatus(scope, refs.servicecidrs, '', NAME, (draft) => {
    const ready = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes default Service CIDR is ready' }
    draft.status = { conditions: [{ ...ready, lastTransitionTime: rfc3339(scope.clock.now()) }] }
  })
}
