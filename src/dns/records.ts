import { isIPv4 } from 'node:net'
import type { core, discovery } from '#api'

/** What the cluster knows under a name; the text of the DNS specification for Kubernetes, version 1.1. */
export interface ServiceRecords {
  readonly namespace: string
  readonly name: string
  readonly service: core.Service
  /** Ready endpoints of a headless Service; empty for others. */
  readonly endpoints: readonly Endpoint[]
}

export interface Endpoint {
  /** The pod's hostname, or its address with dashes. */
  readonly label: string
  readonly address: string
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[]
}

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

export const isHeadless = (service: core.Service): boolean => service.spec?.clusterIP === 'None'

/** Endpoints of a headless Service's slices, each address once. */
export function endpointsOf(slices: readonly discovery.EndpointSlice[]): readonly Endpoint[] {
  const found = new Map<string, Endpoint>()
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue
    const ports = (slice.ports ?? []).flatMap(({ name = '', protocol = 'TCP', port }) =>
      typeof port === 'number' ? [{ name, protocol: protocol.toLowerCase(), port }] : [],
    )
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue
      for (const address of endpoint.addresses.filter((text) => isIPv4(text))) {
        const before = found.get(address)
        found.set(address, {
          label: endpoint.hostname === undefined || endpoint.hostname === '' ? dashed(address) : endpoint.hostname,
          address,
          ports: [...(before?.ports ?? []), ...ports],
        })
      }
    }
  }
  return [...found.values()]
}

export const dashed = (address: string): string => address.replaceAll('.', '-')

/** `10-1-2-3` → `10.1.2.3`; undefined for anything else. */
export function undashed(label: string): string | undefined {
  const address = label.replaceAll('-', '.')
  return !label.includes('.') && isIPv4(address) ? address : undefined
}

/** `3.2.1.10.in-addr.arpa` → `10.1.2.3`. */
export function reverseAddress(labels: readonly string[]): string | undefined {
  if (labels.length !== 6 || labels[4] !== 'in-addr' || labels[5] !== 'arpa') return undefined
  return undashed(labels.slice(0, 4).reverse().join('-'))
}
