import { cidrContains, cidrText, type core, keyOf, type networking, parseIp, type IpFamily, familyOf, plainCidr } from '#api'
import { matcherOf } from '#reconcile'
import { type PortRange, mergePorts } from './ports.ts'

/** What there is to decide about, at one moment. */
export interface PolicyWorld {
  /** What a pod may do is said in each family for itself, of the addresses that it has there. */
  readonly family: IpFamily
  readonly nodeName: string
  readonly policies: readonly networking.NetworkPolicy[]
  readonly pods: readonly core.Pod[]
  readonly namespaces: readonly core.Namespace[]
  /** What policies can name like a pod although it is none. */
  readonly standIns: readonly StandIn[]
}

export interface StandIn {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly address: string
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[]
}

export type Direction = 'ingress' | 'egress'

/** What the pods of this node may do, free of any kernel's words. A pod that is in no group of a direction may do everything there. */
export interface PolicyPlan {
  readonly groups: readonly PodGroup[]
}

/** Pods of this node that the same policies select: what none of `policies` allows is dropped. */
export interface PodGroup {
  readonly direction: Direction
  readonly addresses: readonly string[]
  readonly policies: readonly PlannedPolicy[]
}

export interface PlannedPolicy {
  /** `namespace/name`. */
  readonly name: string
  readonly rules: readonly PlannedRule[]
}

/** Traffic is allowed when it is with one of the peers, over one of the ports. */
export interface PlannedRule {
  readonly peers: 'all' | { readonly addresses: readonly string[]; readonly blocks: readonly Block[] }
  readonly ports: 'all' | { readonly ranges: readonly PortRange[]; readonly named: readonly Endpoint[] }
}

export interface Block {
  readonly cidr: string
  readonly except: readonly string[]
}

/** A named port is another number on each pod: the receiving pods' addresses with their numbers. */
export interface Endpoint {
  readonly address: string
  readonly protocol: string
  readonly port: number
}

interface Member {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly address: string
  readonly ports: StandIn['ports']
  readonly local: boolean
}

/** Pure. Every address that comes out is a valid one: nothing that somebody wrote reaches the kernel's commands as text. */
export function planPolicies(world: PolicyWorld): PolicyPlan {
  const members = membersOf(world)
  const local = members.filter((member) => member.local)
  const labelsOf = new Map(world.namespaces.map(({ metadata }) => [metadata?.name ?? '', metadata?.labels ?? {}]))
  const groups: PodGroup[] = []
  for (const direction of ['ingress', 'egress'] as const) {
    const selecting = new Map<Member, PlannedPolicy[]>()
    for (const policy of world.policies.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
      if (!applies(policy, direction)) continue
      const selects = matcherOf(policy.spec?.podSelector ?? {})
      const selected = local.filter(({ namespace, labels }) => namespace === policy.metadata?.namespace && selects(labels))
      if (selected.length === 0) continue
      const planned = planPolicy(policy, direction, selected, members, labelsOf, world.family)
      for (const member of selected) selecting.set(member, [...(selecting.get(member) ?? []), planned])
    }
    const bySet = Map.groupBy(selecting, ([, policies]) => policies.map(({ name }) => name).join(' '))
    for (const entries of bySet.values()) {
      const policies = entries[0]?.[1] ?? []
      groups.push({ direction, policies, addresses: entries.map(([{ address }]) => address).sort() })
    }
  }
  return { groups }
}

/** `policyTypes` has a default that the server writes; what was stored before has none. */
function applies({ spec }: networking.NetworkPolicy, direction: Direction): boolean {
  const types = spec?.policyTypes ?? []
  if (types.length > 0) return types.includes(direction === 'ingress' ? 'Ingress' : 'Egress')
  return direction === 'ingress' || (spec?.egress ?? []).length > 0
}

/** Pods with a network of their own that may still send or receive. */
function membersOf({ pods, standIns, nodeName, family }: PolicyWorld): readonly Member[] {
  const found = onePerAddress(pods, family).flatMap(([address, pod]): readonly Member[] => {
    const { spec, metadata } = pod
    const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter((one) => one.restartPolicy === 'Always')]
    const ports = containers.flatMap((container) =>
      (container.ports ?? []).flatMap(({ name, protocol = 'TCP', containerPort }) =>
        name === undefined ? [] : [{ name, protocol, port: containerPort }],
      ),
    )
    return [
      {
        namespace: metadata?.namespace ?? '',
        labels: metadata?.labels ?? {},
        address,
        ports,
        local: spec?.nodeName === nodeName,
      },
    ]
  })
  const named = standIns.filter(({ address }) => familyOf(address) === family)
  return [...found, ...named.map((standIn) => ({ ...standIn, local: false }))]
}

/** An address can be another pod's while the API still shows it with the one that had it: the pod that came last has it. */
function onePerAddress(pods: readonly core.Pod[], family: IpFamily): readonly (readonly [string, core.Pod])[] {
  const born = ({ metadata }: core.Pod): string =>
    `${metadata?.deletionTimestamp === undefined ? 1 : 0} ${metadata?.creationTimestamp ?? ''}`
  const byAddress = new Map<string, core.Pod>()
  for (const pod of pods) {
    if (pod.spec?.hostNetwork === true || ['Succeeded', 'Failed'].includes(pod.status?.phase ?? '')) continue
    const address = addressIn(pod, family)
    if (address === undefined) continue
    const other = byAddress.get(address)
    if (other === undefined || born(other) <= born(pod)) byAddress.set(address, pod)
  }
  return [...byAddress]
}

function addressIn({ status }: core.Pod, family: IpFamily): string | undefined {
  const written = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP ?? '']
  return written.flatMap((ip) => parseIp(ip)?.text ?? []).find((ip) => familyOf(ip) === family)
}

function planPolicy(
  policy: networking.NetworkPolicy,
  direction: Direction,
  selected: readonly Member[],
  members: readonly Member[],
  labelsOf: ReadonlyMap<string, Readonly<Record<string, string>>>,
  family: IpFamily,
): PlannedPolicy {
  const namespace = policy.metadata?.namespace ?? ''
  const rules =
    direction === 'ingress'
      ? (policy.spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
      : (policy.spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
  const chosenBy = (peer: networking.NetworkPolicyPeer): readonly Member[] => {
    const byPod = matcherOf(peer.podSelector ?? {})
    const byNamespace = peer.namespaceSelector === undefined ? undefined : matcherOf(peer.namespaceSelector)
    return members.filter(
      (member) =>
        (byNamespace === undefined ? member.namespace === namespace : byNamespace(labelsOf.get(member.namespace) ?? {})) &&
        byPod(member.labels),
    )
  }
  return {
    name: keyOf(policy),
    rules: rules.map(({ peers, ports }): PlannedRule => {
      const everyone = (peers ?? []).length === 0
      const chosen = (peers ?? []).filter(({ ipBlock }) => ipBlock === undefined).flatMap(chosenBy)
      const blocks = (peers ?? []).flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : blockOf(ipBlock, family)))
      // For what goes out, those who receive are the peers: among addresses of a block every pod with the name can be.
      const receivers = direction === 'ingress' ? selected : everyone || blocks.length > 0 ? members : chosen
      return {
        peers: everyone ? 'all' : { addresses: [...new Set(chosen.map(({ address }) => address))].sort(), blocks },
        ports: portsOf(ports ?? [], receivers),
      }
    }),
  }
}

/** None for a block of another family, and for what is no block: it allows nobody of this one. */
function blockOf({ cidr, except = [] }: networking.IPBlock, family: IpFamily): readonly Block[] {
  const range = plainCidr(cidr, family)
  if (range === undefined) return []
  const inside = except.flatMap((text) => plainCidr(text, family) ?? []).filter(({ network }) => cidrContains(range, network))
  return [{ cidr: cidrText(range), except: inside.map(cidrText) }]
}

function portsOf(ports: readonly networking.NetworkPolicyPort[], receivers: readonly Member[]): PlannedRule['ports'] {
  if (ports.length === 0) return 'all'
  const ranges = ports.flatMap(({ protocol = 'TCP', port, endPort }): readonly PortRange[] => {
    if (typeof port === 'string') return []
    return [{ protocol, first: port ?? 0, last: port === undefined ? 65_535 : (endPort ?? port) }]
  })
  const named = ports.flatMap(({ protocol = 'TCP', port }) =>
    typeof port === 'string'
      ? receivers.flatMap(({ address, ports: own }) =>
          own.filter((one) => one.name === port && one.protocol === protocol).map((one) => ({ address, protocol, port: one.port })),
        )
      : [],
  )
  return { ranges: mergePorts(ranges), named }
}
