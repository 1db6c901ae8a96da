import { type core, type discovery, IP_FAMILIES, type IpFamily, familyOf, plainAddress } from '#api'
import { type Candidate, type Place, type Target, hasUsable, localOnly, nearest } from './endpoints.ts'
import { HEADLESS_LABEL, clusterAddresses } from '#reconcile'
import { narrowRanges } from './kernel/ranges.ts'

/** What is to be done with one port of a Service in one address family on this node; the meaning of Services, free of any kernel's words. */
export interface ServicePort {
  readonly family: IpFamily
  readonly protocol: Protocol
  readonly clusterAddress: string
  /** Other addresses that lead here: those of load balancers, and external ones where they are allowed. */
  readonly externals: readonly ExternalAddress[]
  readonly port: number
  readonly nodePort: number | undefined
  /** How long a client stays with its endpoint; undefined for no affinity. */
  readonly affinitySeconds: number | undefined
  /** For the cluster address. */
  readonly inside: Choice
  /** For external addresses and the node port. When `keepsSource`, these are on this node and see the client's own address. */
  readonly outside: Choice
  /** For clients on this node that use an external address or the node port although `outside` is only for this node's endpoints. */
  readonly outsideFromHere: Choice | undefined
  readonly keepsSource: boolean
}

export interface ExternalAddress {
  readonly address: string
  /** Networks whose clients may come; undefined for all. */
  readonly sources: readonly string[] | undefined
}

/** With no target, connections are refused; or dropped where only this node has none, since others may yet take them. */
export interface Choice {
  readonly targets: readonly Target[]
  readonly otherwise: 'refuse' | 'drop'
}

/** What decides on a node besides Services and endpoints. */
export interface ProxyNode extends Place {
  readonly families: readonly IpFamily[]
  /** Whether `spec.externalIPs` are acted on: whoever may write a Service could take others' traffic with them. */
  readonly externalIPs: boolean
}

export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const
export type Protocol = (typeof PROTOCOLS)[number]

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
const OTHER_PROXY_LABEL = 'service.kubernetes.io/service-proxy-name'
const DEFAULT_AFFINITY_SECONDS = 10_800

/**
 * Pure. Services without a cluster address (headless, ExternalName) and of another proxy give nothing, nor do families that the node does not serve. Every address
 * that comes out is a valid one: nothing that somebody wrote reaches the kernel's commands as text.
 */
export function servicePorts(service: core.Service, slices: readonly discovery.EndpointSlice[], node: ProxyNode): readonly ServicePort[] {
  const { spec } = service
  const labels = service.metadata?.labels ?? {}
  if (spec === undefined || spec.type === 'ExternalName' || OTHER_PROXY_LABEL in labels || HEADLESS_LABEL in labels) return []
  return node.families.flatMap((family) => {
    const address = clusterAddresses(service).find((one) => familyOf(one) === family)
    return address === undefined ? [] : portsIn(family, address, service, slices, node)
  })
}

function portsIn(
  family: IpFamily,
  address: string,
  service: core.Service,
  slices: readonly discovery.EndpointSlice[],
  node: ProxyNode,
): readonly ServicePort[] {
  const { spec = {} } = service
  const keepsSource = spec.externalTrafficPolicy === 'Local'
  const externals = externalsOf(service, family, node)
  return (spec.ports ?? []).flatMap((port): readonly ServicePort[] => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase()
    if (!isProtocol(protocol) || !isPort(port.port)) return []
    const candidates = candidatesFor(port, protocol, family, slices, node)
    return [
      {
        family,
        protocol,
        clusterAddress: address,
        externals,
        port: port.port,
        nodePort: isPort(port.nodePort) ? port.nodePort : undefined,
        affinitySeconds:
          spec.sessionAffinity === 'ClientIP'
            ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS)
            : undefined,
        inside: choice(candidates, spec.internalTrafficPolicy === 'Local', node),
        outside: choice(candidates, keepsSource, node),
        outsideFromHere: keepsSource ? choice(candidates, false, node) : undefined,
        keepsSource,
      },
    ]
  })
}

/** What of a Service is not acted on, by name, for the log. */
export function ignoredParts(service: core.Service, node: ProxyNode): readonly string[] {
  const { spec } = service
  const served = (address: string): boolean => node.families.includes(familyOf(address))
  const only = `only ${node.families.join(' and ')} is served`
  const addresses = [...clusterAddresses(service), ...balancerAddresses(service)].filter((address) => !served(address))
  const external = (spec?.externalIPs ?? []).filter((address) => !node.externalIPs || !served(address))
  const sources = (spec?.loadBalancerSourceRanges ?? []).filter((range) => !served(range))
  return [
    ...addresses.map((address) => `address ${address}: ${only}`),
    ...external.map((address) => `external address ${address}: ${node.externalIPs ? only : 'external addresses are off'}`),
    ...sources.map((range) => `source range ${range}: ${only}`),
  ]
}

const isProtocol = (text: string): text is Protocol => (PROTOCOLS as readonly string[]).includes(text)
const isPort = (port: unknown): port is number => typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535

/** Addresses that a load balancer hands on unchanged; those with `ipMode: Proxy` must be reached through it. */
const balancerAddresses = (service: core.Service): readonly string[] =>
  service.spec?.type === 'LoadBalancer'
    ? (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip === undefined || ipMode === 'Proxy' ? [] : [ip]))
    : []

function externalsOf(service: core.Service, family: IpFamily, node: ProxyNode): readonly ExternalAddress[] {
  const written = service.spec?.loadBalancerSourceRanges ?? []
  const sources = written.length === 0 ? undefined : narrowRanges(written, family)
  const found = new Map<string, ExternalAddress>()
  const add = (written: string, from: readonly string[] | undefined): void => {
    const address = plainAddress(written)
    if (address !== undefined && familyOf(address) === family) found.set(address, { address, sources: from })
  }
  for (const address of node.externalIPs ? (service.spec?.externalIPs ?? []) : []) add(address, undefined)
  for (const address of balancerAddresses(service)) add(address, sources)
  for (const address of clusterAddresses(service)) found.delete(address)
  return [...found.values()]
}

function choice(candidates: readonly Candidate[], onlyHere: boolean, place: Place): Choice {
  const targets = (onlyHere ? localOnly(candidates) : nearest(candidates, place)).map(({ address, port }) => ({ address, port }))
  return { targets, otherwise: onlyHere && hasUsable(candidates) ? 'drop' : 'refuse' }
}

function candidatesFor(
  port: core.ServicePort,
  protocol: Protocol,
  family: IpFamily,
  slices: readonly discovery.EndpointSlice[],
  node: Place,
): readonly Candidate[] {
  const found = new Map<string, Candidate>()
  for (const slice of slices) {
    if (slice.addressType !== family) continue
    const number = (slice.ports ?? []).find(
      (one) => (one.name ?? '') === (port.name ?? '') && (one.protocol ?? 'TCP').toLowerCase() === protocol,
    )?.port
    if (!isPort(number)) continue
    for (const { addresses, conditions, nodeName, hints } of slice.endpoints ?? []) {
      const address = plainAddress(addresses[0] ?? '')
      if (address === undefined || familyOf(address) !== family) continue
      const candidate: Candidate = {
        address,
        port: number,
        ready: conditions?.ready !== false,
        serving: conditions?.serving ?? conditions?.ready !== false,
        terminating: conditions?.terminating === true,
        local: nodeName === node.name,
        forNodes: (hints?.forNodes ?? []).map(({ name }) => name),
        forZones: (hints?.forZones ?? []).map(({ name }) => name),
      }
      // An endpoint on its way from one slice to another is in both for a moment: the better word counts.
      const before = found.get(`${address} ${number}`)
      if (before === undefined || (!before.ready && candidate.ready)) found.set(`${address} ${number}`, candidate)
    }
  }
  return [...found.values()].sort((a, b) => compare(a.address, b.address) || a.port - b.port)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Ready endpoints of a Service on this node, for its health check: in one family, since each endpoint is in every family of the Service. */
export function localReadyEndpoints(slices: readonly discovery.EndpointSlice[], nodeName: string): number {
  const type = IP_FAMILIES.find((family) => slices.some(({ addressType }) => addressType === family))
  const all = slices.filter(({ addressType }) => addressType === type).flatMap((slice) => slice.endpoints ?? [])
  const here = all.filter((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions?.ready !== false)
  return new Set(here.flatMap((endpoint) => endpoint.addresses)).size
}
