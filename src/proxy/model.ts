import type { core, discovery } from '#api'

/** What is to be done with one port of a Service on this node; the meaning of Services, free of any kernel's words. */
export interface ServicePort {
  readonly protocol: Protocol
  /** Addresses that lead to all usable endpoints: the cluster address (first) and those of load balancers. */
  readonly clusterAddress: string
  readonly balancerAddresses: readonly string[]
  readonly port: number
  readonly nodePort: number | undefined
  /** How long a client stays with its endpoint; undefined for no affinity. */
  readonly affinitySeconds: number | undefined
  /** For clients inside the cluster. */
  readonly inside: readonly Target[]
  /** For clients outside. When `keepsSource`, these are on this node and see the client's own address. */
  readonly outside: readonly Target[]
  readonly keepsSource: boolean
}

export interface Target {
  readonly address: string
  readonly port: number
}

export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const
export type Protocol = (typeof PROTOCOLS)[number]

interface Candidate extends Target {
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  readonly local: boolean
}

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

/** Pure. Services without a cluster address (headless, ExternalName) and families other than IPv4 give nothing. */
export function servicePorts(service: core.Service, slices: readonly discovery.EndpointSlice[], nodeName: string): readonly ServicePort[] {
  const { spec } = service
  const address = spec?.clusterIP ?? ''
  if (spec === undefined || spec.type === 'ExternalName' || !isIPv4(address)) return []
  const balancerAddresses = (service.status?.loadBalancer?.ingress ?? []).flatMap((ingress) => (ingress.ip !== undefined && isIPv4(ingress.ip) ? [ingress.ip] : []))
  const keepsSource = spec.externalTrafficPolicy === 'Local'
  return (spec.ports ?? []).flatMap((port): readonly ServicePort[] => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase()
    if (!isProtocol(protocol)) return []
    const candidates = candidatesFor(port, protocol, slices, nodeName)
    return [
      {
        protocol,
        clusterAddress: address,
        balancerAddresses: spec.type === 'LoadBalancer' ? balancerAddresses : [],
        port: port.port,
        nodePort: port.nodePort === undefined || port.nodePort === 0 ? undefined : port.nodePort,
        affinitySeconds: spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : undefined,
        inside: usable(candidates, spec.internalTrafficPolicy === 'Local'),
        outside: usable(candidates, keepsSource),
        keepsSource,
      },
    ]
  })
}

const isProtocol = (text: string): text is Protocol => (PROTOCOLS as readonly string[]).includes(text)
const isIPv4 = (text: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(text)

/** Ready ones; when there are none, those that still serve while they end. */
function usable(candidates: readonly Candidate[], localOnly: boolean): readonly Target[] {
  const within = localOnly ? candidates.filter(({ local }) => local) : candidates
  const ready = within.filter(({ ready: isReady }) => isReady)
  const chosen = ready.length > 0 ? ready : within.filter(({ serving, terminating }) => serving && terminating)
  return chosen.map(({ address, port }) => ({ address, port }))
}

function candidatesFor(port: core.ServicePort, protocol: string, slices: readonly discovery.EndpointSlice[], nodeName: string): readonly Candidate[] {
  const found = new Map<string, Candidate>()
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue
    const number = (slice.ports ?? []).find((one) => (one.name ?? '') === (port.name ?? '') && (one.protocol ?? 'TCP').toLowerCase() === protocol)?.port
    if (number === undefined) continue
    for (const { addresses, conditions, nodeName: on } of slice.endpoints ?? []) {
      const [address] = addresses
      if (address === undefined) continue
      found.set(`${address} ${number}`, {
        address,
        port: number,
        ready: conditions?.ready !== false,
        serving: conditions?.serving ?? conditions?.ready !== false,
        terminating: conditions?.terminating === true,
        local: on === nodeName,
      })
    }
  }
  return [...found.values()].sort((a, b) => compare(a.address, b.address) || a.port - b.port)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Ready endpoints of a Service on this node, for its health check. */
export function localReadyEndpoints(slices: readonly discovery.EndpointSlice[], nodeName: string): number {
  const addresses = slices.flatMap((slice) => (slice.endpoints ?? []).filter((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions?.ready !== false))
  return new Set(addresses.flatMap((endpoint) => endpoint.addresses)).size
}
