import { type core, type discovery, isNodeReady, quantityMilli, zoneOf } from '#api'

/**
 * Hints by which clients of each zone get a part of the endpoints that fits the zone's part of the cluster's processors (`service.kubernetes.io/topology-mode: Auto`).
 * A pure function of what there is: the same endpoints on the same nodes always get the same hints.
 * Behaviour: https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/
 */
export type HintsVerdict =
  | { readonly hints: ReadonlyMap<discovery.Endpoint, string> }
  /** In Kubernetes' words. */
  | { readonly problem: string }

/** No endpoint should have to bear this much more than its part. */
const OVERLOAD = 0.2
const LEFT_OUT = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

export function asksForHints({ metadata }: core.Service): boolean {
  const { annotations = {} } = metadata ?? {}
  const mode = annotations['service.kubernetes.io/topology-aware-hints'] ?? annotations['service.kubernetes.io/topology-mode']
  return mode === 'Auto' || mode === 'auto'
}

/** Each zone's part of the processors of the nodes that are ready. Undefined when that cannot be said, or there is one zone. */
export function zoneShares(nodes: readonly core.Node[]): ReadonlyMap<string, number> | undefined {
  const cpu = new Map<string, number>()
  for (const node of nodes) {
    const { metadata, status } = node
    if (LEFT_OUT.some((label) => metadata?.labels?.[label] !== undefined) || !isNodeReady(node)) continue
    const zone = zoneOf(node) ?? ''
    const milli = quantityMilli(status?.allocatable?.cpu ?? '0')
    if (zone === '' || milli === 0) return undefined
    cpu.set(zone, (cpu.get(zone) ?? 0) + milli)
  }
  const total = [...cpu.values()].reduce((sum, milli) => sum + milli, 0)
  return cpu.size < 2 ? undefined : new Map([...cpu].map(([zone, milli]) => [zone, milli / total]))
}

/** Only endpoints that are ready get hints, each for one zone. */
export function topologyHints(endpoints: readonly discovery.Endpoint[], shares: ReadonlyMap<string, number> | undefined): HintsVerdict {
  if (shares === undefined) return { problem: 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes' }
  const ready = endpoints.filter(({ conditions }) => conditions?.ready === true).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const counts = `(${ready.length} endpoints, ${shares.size} zones)`
  if (ready.length < shares.size) return { problem: `Insufficient number of endpoints ${counts}` }
  const wanted = new Map<string, number>()
  let least = 0
  for (const [zone, share] of shares) {
    const part = share * ready.length
    const minimum = Math.ceil(part / (1 + OVERLOAD))
    wanted.set(zone, Math.max(part, minimum))
    least += minimum
  }
  if (least > ready.length)
    return { problem: `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counts}` }
  if (ready.some(({ zone }) => zone === undefined || zone === '')) return { problem: 'One or more endpoints do not have a zone specified' }
  return { hints: shared(ready, wanted) }
}

/** Everybody serves his own zone first; then zones with more than they want give to those with less, one endpoint at a time. */
function shared(ready: readonly discovery.Endpoint[], wanted: ReadonlyMap<string, number>): ReadonlyMap<discovery.Endpoint, string> {
  const hints = new Map(ready.map((endpoint) => [endpoint, endpoint.zone ?? '']))
  const excess = new Map([...wanted].map(([zone, part]) => [zone, -part]))
  for (const { zone = '' } of ready) excess.set(zone, (excess.get(zone) ?? 0) + 1)
  const zones = [...excess.keys()].toSorted()
  const most = (sign: 1 | -1): readonly [string, number] =>
    zones
      .map((zone) => [zone, sign * (excess.get(zone) ?? 0)] as const)
      .reduce((best, one) => (one[1] > best[1] ? one : best), ['', 0] as const)
  for (;;) {
    const [giver, tooMany] = most(1)
    const [taker, tooFew] = most(-1)
    if (giver === '' || taker === '' || (tooMany < 1 && tooFew < 1) || tooMany < 0.5 || tooFew < 0.5) return hints
    const given = ready.find((endpoint) => hints.get(endpoint) === giver && endpoint.zone === giver)
    if (given === undefined) return hints
    hints.set(given, taker)
    excess.set(giver, tooMany - 1)
    excess.set(taker, 1 - tooFew)
  }
}

const keyOf = ({ addresses, targetRef }: discovery.Endpoint): string => `${targetRef?.name ?? ''} ${addresses.join(',')}`
