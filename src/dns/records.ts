import { isIPv4 } from 'node:net'
import { type core, type discovery, parseIp, plainAddress } from '#api'

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
    if (slice.addressType !== 'IPv4' && slice.addressType !== 'IPv6') continue
    const ports = (slice.ports ?? []).flatMap(({ name = '', protocol = 'TCP', port }) =>
      typeof port === 'number' ? [{ name, protocol: protocol.toLowerCase(), port }] : [],
    )
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue
      for (const address of endpoint.addresses.flatMap((text) => plainAddress(text) ?? [])) {
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

/** A label that stands for an address: `10-1-2-3`, `fd00--1`. One that would begin or end with a dash gets a 0 there, since no name may. */
export const dashed = (address: string): string => address.replaceAll(/[.:]/g, '-').replace(/^-/, '0-').replace(/-$/, '-0')

/** `10-1-2-3` → `10.1.2.3`, `fd00--1` → `fd00::1`; undefined for anything else. */
export function undashed(label: string): string | undefined {
  if (label.includes('.') || label.includes(':')) return undefined
  const four = label.replaceAll('-', '.')
  if (isIPv4(four)) return four
  const six = parseIp(label.replaceAll('-', ':'))
  return six?.family === 6 ? six.text : undefined
}

/** `3.2.1.10.in-addr.arpa` → `10.1.2.3`; of IPv6, a label for each of 32 digits before `ip6.arpa`. */
export function reverseAddress(labels: readonly string[]): string | undefined {
  if (labels.at(-1) !== 'arpa') return undefined
  const parts = labels.slice(0, -2).reverse()
  if (labels.at(-2) === 'in-addr') return parts.length === 4 ? undashed(parts.join('-')) : undefined
  if (labels.at(-2) !== 'ip6' || parts.length !== 32 || !parts.every((part) => /^[0-9a-f]$/.test(part))) return undefined
  return parseIp(parts.join('').replaceAll(/.{4}(?!$)/g, '$&:'))?.text
}
