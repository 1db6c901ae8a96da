import { OncePerPart, type core, effectiveSpec } from '#api'
import { type NodeMatcher, type NodePreference, preferredNodes, requiredNodes } from './node-match.ts'
import { type Amounts, askedRequests, podRequests, weighedRequests } from './requests.ts'
import { type AffinityTerm, type SpreadConstraint, type WeightedTerm, compileSpread, compileTerm } from './terms.ts'

/** What the scheduler needs of a pod, worked out once when the pod is seen. */
export interface PodInfo {
  readonly pod: core.Pod
  readonly uid: string
  /** `namespace/name`. */
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly priority: number
  readonly terminating: boolean
  readonly requests: Amounts
  /** With a little for containers that state nothing; for comparing nodes, once it has one. */
  readonly weighing: { readonly cpu: number; readonly memory: number }
  /** The same while it looks for one. */
  readonly asking: Amounts
  /** The same for pods that ask for the same. */
  readonly requestKey: string
  readonly nodes: NodeMatcher | undefined
  readonly preferredNodes: NodePreference | undefined
  readonly tolerations: readonly core.Toleration[]
  readonly ports: readonly HostPort[]
  readonly affinity: readonly AffinityTerm[]
  readonly antiAffinity: readonly AffinityTerm[]
  readonly preferredAffinity: readonly WeightedTerm[]
  readonly preferredAntiAffinity: readonly WeightedTerm[]
  /** Its terms that draw other pods to it, or keep them off by a weight below 0. Required ones have no weight. */
  readonly attractions: readonly (AffinityTerm & { readonly weight?: number })[]
  readonly spread: readonly SpreadConstraint[]
  readonly softSpread: readonly SpreadConstraint[]
  /** Names of the claims it uses, generic ephemeral volumes included. */
  readonly claims: readonly string[]
}

export interface HostPort {
  readonly address: string
  readonly protocol: string
  readonly port: number
}

const ANY_ADDRESS = '0.0.0.0'

export function compilePod(pod: core.Pod): PodInfo {
  const spec = pod.spec ?? { containers: [] }
  const { name = '', namespace = '', uid = '', labels = {} } = pod.metadata ?? {}
  // What a pod holds on to while it is resized.
  const held = effectiveSpec(pod) ?? spec
  const constraints = spec.topologySpreadConstraints ?? []
  const weighted = (terms: readonly core.WeightedPodAffinityTerm[] | undefined): readonly WeightedTerm[] =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => ({ ...compileTerm(podAffinityTerm, namespace), weight }))
  const required = (terms: readonly core.PodAffinityTerm[] | undefined): readonly AffinityTerm[] =>
    (terms ?? []).map((term) => compileTerm(term, namespace))
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  const affinity = required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
  const preferredAffinity = weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution)
  const preferredAntiAffinity = weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution)
  return {
    pod,
    uid,
    key: `${namespace}/${name}`,
    namespace,
    name,
    labels,
    priority: spec.priority ?? 0,
    terminating: pod.metadata?.deletionTimestamp !== undefined,
    ...amounts.of(held),
    ...places.of(spec),
    affinity,
    antiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity,
    preferredAntiAffinity,
    attractions: [...affinity, ...preferredAffinity, ...preferredAntiAffinity.map((term) => ({ ...term, weight: -term.weight }))],
    spread: constraints.filter((one) => one.whenUnsatisfiable === 'DoNotSchedule').map((one) => compileSpread(one, pod)),
    softSpread: constraints.filter((one) => one.whenUnsatisfiable === 'ScheduleAnyway').map((one) => compileSpread(one, pod)),
    claims: (spec.volumes ?? []).flatMap((volume) => {
      if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName]
      return volume.ephemeral === undefined ? [] : [`${name}-${volume.name}`]
    }),
  }
}

/** What pods of one template have in common is worked out once. */
const amounts = new OncePerPart((spec: core.PodSpec): Pick<PodInfo, 'requests' | 'weighing' | 'asking' | 'requestKey'> => {
  const requests = podRequests(spec)
  const weighing = weighedRequests(spec, requests)
  const asking = askedRequests(spec, weighing)
  return {
    requests,
    weighing: { cpu: weighing.get('cpu') ?? 0, memory: weighing.get('memory') ?? 0 },
    asking,
    requestKey: keyOfRequests(requests) + (asking === weighing ? keyOfWeighing(weighing) : keyOfRequests(asking)),
  }
})
const places = new OncePerPart(
  (spec: core.PodSpec): Pick<PodInfo, 'nodes' | 'preferredNodes' | 'tolerations' | 'ports'> => ({
    nodes: requiredNodes(spec),
    preferredNodes: preferredNodes(spec),
    tolerations: spec.tolerations ?? [],
    ports: hostPorts(spec),
  }),
)

const keyOfWeighing = (weighing: Amounts): string => ` ${weighing.get('cpu') ?? 0} ${weighing.get('memory') ?? 0}`

function keyOfRequests(requests: Amounts): string {
  let key = ''
  for (const [resource, amount] of requests) key += ` ${resource}=${amount}`
  return key
}

function hostPorts(spec: core.PodSpec): readonly HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')
  return [...spec.containers, ...sidecars].flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => (port.hostPort ?? 0) > 0)
      .map((port) => ({ address: port.hostIP ?? ANY_ADDRESS, protocol: port.protocol ?? 'TCP', port: port.hostPort ?? 0 })),
  )
}

export function portsClash(a: HostPort, b: HostPort): boolean {
  return (
    a.port === b.port && a.protocol === b.protocol && (a.address === b.address || a.address === ANY_ADDRESS || b.address === ANY_ADDRESS)
  )
}
