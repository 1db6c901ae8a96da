import { type core, type discovery, refs, plainAddress } from '#api'
import { type Informers, clusterAddresses } from '#reconcile'
import { SERVICE_NAME_LABEL, type ServiceRecords, endpointsOf, isHeadless } from './records.ts'
import type { ClusterView } from './zone.ts'

const BY_ADDRESS = 'dns-address'
const BY_SERVICE = 'dns-service'

/** The zone's view over informers. `changes` counts what came in. */
export function clusterView(informers: Informers): { readonly view: ClusterView; readonly changes: () => number } {
  const services = informers.informer(refs.services)
  const slices = informers.informer(refs.endpointslices)
  const namespaces = informers.informer(refs.namespaces)
  services.addIndex(BY_ADDRESS, clusterAddresses)
  slices.addIndex(BY_SERVICE, (slice: discovery.EndpointSlice) => [
    `${slice.metadata?.namespace ?? ''}/${slice.metadata?.labels?.[SERVICE_NAME_LABEL] ?? ''}`,
  ])
  slices.addIndex(BY_ADDRESS, (slice: discovery.EndpointSlice) =>
    (slice.endpoints ?? []).flatMap(({ addresses }) => addresses.flatMap((address) => plainAddress(address) ?? [])),
  )
  let changes = 1
  for (const informer of [services, slices]) informer.onChange(() => changes++)

  const recordsOf = (service: core.Service): ServiceRecords => {
    const { namespace = '', name = '' } = service.metadata ?? {}
    return {
      namespace,
      name,
      service,
      endpoints: isHeadless(service) ? endpointsOf(slices.byIndex(BY_SERVICE, `${namespace}/${name}`)) : [],
    }
  }
  return {
    changes: () => changes,
    view: {
      synced: () => services.synced && slices.synced && namespaces.synced,
      service: (namespace, name) => {
        const service = services.get(`${namespace}/${name}`)
        return service === undefined ? undefined : recordsOf(service)
      },
      hasNamespace: (namespace) => namespaces.get(namespace) !== undefined,
      serviceByAddress: (address) => {
        const [service] = services.byIndex(BY_ADDRESS, address)
        return service === undefined ? undefined : recordsOf(service)
      },
      endpointByAddress: (address) => {
        for (const slice of slices.byIndex(BY_ADDRESS, address)) {
          const service = services.get(`${slice.metadata?.namespace ?? ''}/${slice.metadata?.labels?.[SERVICE_NAME_LABEL] ?? ''}`)
          if (service === undefined || !isHeadless(service)) continue
          const records = recordsOf(service)
          const endpoint = records.endpoints.find((candidate) => candidate.address === address)
          if (endpoint !== undefined) return { records, label: endpoint.label }
        }
        return undefined
      },
    },
  }
}
