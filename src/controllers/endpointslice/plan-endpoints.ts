import { type core, type discovery, zoneOf } from '#api'
import { addressesOf, HEADLESS_LABEL, hostnameIn, isFinished, isHeadless, isReady, isTerminating, targetPortOf } from '#reconcile'
import { type SliceGroup, groupsOf } from './plan-slices.ts'
import { asksForHints, topologyHints, zoneShares } from './topology-hints.ts'

export const SERVICE_NAME = 'kubernetes.io/service-name'
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
export const CONTROLLER = 'endpointslice-controller.k8s.io'

type Family = 'IPv4' | 'IPv6'

export function familiesOf(service: core.Service): readonly Family[] {
  return (service.spec?.ipFamilies ?? ['IPv4']).map((family) => (family === 'IPv6' ? 'IPv6' : 'IPv4'))
}

export function sliceLabels(service: core.Service, manager: string): Record<string, string> {
  const { [HEADLESS_LABEL]: _headless, ...labels } = service.metadata?.labels ?? {}
  return {
    ...labels,
    ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}),
    [SERVICE_NAME]: service.metadata?.name ?? '',
    [MANAGED_BY]: manager,
  }
}

/**
 * The wanted endpoints of a Service, grouped into what can share slices. Whose node is not known is left out: nobody could say how to get there.
 * Who publishes what is not ready asked for it nevertheless. `skipped` is told of what is left out, and why.
 */
export function wantedGroups(
  service: core.Service,
  pods: readonly core.Pod[],
  nodeOf: (name: string) => core.Node | undefined,
  skipped: (why: string) => void = () => undefined,
): readonly SliceGroup[] {
  const { namespace = '', name = '' } = service.metadata ?? {}
  const parts = familiesOf(service).flatMap((addressType) =>
    pods.flatMap((pod) => {
      const addresses = addressesOf(pod, addressType)
      if (addresses.length === 0 || isFinished(pod)) return []
      const on = pod.spec?.nodeName ?? ''
      const node = nodeOf(on)
      if (node === undefined && service.spec?.publishNotReadyAddresses !== true) {
        skipped(`skipping Pod ${pod.metadata?.name ?? ''} for Service ${namespace}/${name}: Node ${on} Not Found`)
        return []
      }
      return [{ addressType, ports: portsOf(service, pod), endpoint: endpointOf(service, pod, addresses, node) }]
    }),
  )
  return groupsOf(parts)
}

/** What became of the hints that a Service asks for, for each address type. */
export interface HintsOutcome {
  readonly addressType: string
  /** Why there are none. */
  readonly problem?: string
}

/** The groups with hints for zones, when the Service asks for them and they can be given: to all endpoints of an address type, or to none. */
export function withHints(
  service: core.Service,
  groups: readonly SliceGroup[],
  nodes: () => readonly core.Node[],
): { readonly groups: readonly SliceGroup[]; readonly outcomes: readonly HintsOutcome[] } {
  if (!asksForHints(service)) return { groups, outcomes: [] }
  const shares = zoneShares(nodes())
  const outcomes: HintsOutcome[] = []
  const hinted = familiesOf(service).flatMap((addressType) => {
    const own = groups.filter((group) => group.addressType === addressType)
    const verdict = topologyHints(
      own.flatMap(({ endpoints }) => endpoints),
      shares,
    )
    if ('problem' in verdict) {
      outcomes.push({ addressType, problem: verdict.problem })
      return own
    }
    outcomes.push({ addressType })
    const withZone = (endpoint: discovery.Endpoint): discovery.Endpoint => {
      const name = verdict.hints.get(endpoint)
      return name === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name }] } }
    }
    return own.map((group) => ({ ...group, endpoints: group.endpoints.map(withZone) }))
  })
  return { groups: hinted, outcomes }
}

function portsOf(service: core.Service, pod: core.Pod): discovery.EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port)
    if (number === undefined) return []
    return [
      {
        name: port.name ?? '',
        port: number,
        protocol: port.protocol ?? 'TCP',
        ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
      },
    ]
  })
}

function endpointOf(service: core.Service, pod: core.Pod, addresses: string[], node: core.Node | undefined): discovery.Endpoint {
  const serving = isReady(pod)
  const terminating = isTerminating(pod)
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating)
  const zone = zoneOf(node)
  const { nodeName } = pod.spec ?? {}
  const hostname = hostnameIn(service, pod)
  const { namespace, name, uid } = pod.metadata ?? {}
  const hints = ready && !asksForHints(service) ? hintsFor(service.spec?.trafficDistribution, zone, nodeName) : undefined
  return {
    addresses,
    conditions: { ready, serving, terminating },
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName ? { nodeName } : {}),
    ...(zone === undefined ? {} : { zone }),
    ...(hints === undefined ? {} : { hints }),
  }
}

function hintsFor(
  distribution: string | undefined,
  zone: string | undefined,
  nodeName: string | undefined,
): discovery.EndpointHints | undefined {
  const forZones = zone === undefined || zone === '' ? undefined : [{ name: zone }]
  switch (distribution) {
    case 'PreferClose':
    case 'PreferSameZone':
      return forZones === undefined ? undefined : { forZones }
    case 'PreferSameNode':
      return nodeName === undefined ? undefined : { forNodes: [{ name: nodeName }], ...(forZones === undefined ? {} : { forZones }) }
    default:
      return undefined
  }
}
