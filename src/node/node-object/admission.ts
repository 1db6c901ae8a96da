import { type core, featuresToRun, quantityMilli, quantityValue } from '#api'
import { PodRejected } from '../refusal.ts'
import { initContainersOf, isSidecar, mainContainersOf } from '../pods/pod-facts.ts'

/** By resource name; cpu in thousandths. */
export type Amounts = ReadonlyMap<string, number>

const amountOf = (name: string, text: string): number => (name === 'cpu' ? quantityMilli(text) : quantityValue(text))
const amountsOf = (list: Readonly<Record<string, string>> | undefined): Amounts =>
  new Map(Object.entries(list ?? {}).map(([name, text]) => [name, amountOf(name, text)]))

function joined(a: Amounts, b: Amounts, how: (x: number, y: number) => number): Amounts {
  const sum = new Map(a)
  for (const [name, amount] of b) sum.set(name, how(a.get(name) ?? 0, amount))
  return sum
}
const plus = (x: number, y: number): number => x + y

/** What a pod asks for: its lasting containers together, or its largest init container, or what it says itself. */
export function requestsOf(pod: core.Pod): Amounts {
  let sidecars: Amounts = new Map()
  let init: Amounts = new Map()
  for (const container of initContainersOf(pod)) {
    const own = amountsOf(container.resources?.requests)
    if (isSidecar(pod, container)) {
      sidecars = joined(sidecars, own, plus)
      init = joined(init, sidecars, Math.max)
    } else {
      init = joined(init, joined(own, sidecars, plus), Math.max)
    }
  }
  const main = mainContainersOf(pod).reduce((sum, container) => joined(sum, amountsOf(container.resources?.requests), plus), sidecars)
  const total = new Map([...joined(main, init, Math.max), ...amountsOf(pod.spec?.resources?.requests)])
  return joined(total, amountsOf(pod.spec?.overhead), plus)
}

/** What pods ask for, worked out once for each spec: at every admission it is asked of all pods that are there. */
export class KnownRequests {
  readonly #bySpec = new WeakMap<core.PodSpec, Amounts>()

  readonly of = (pod: core.Pod): Amounts => {
    if (pod.spec === undefined) return requestsOf(pod)
    const amounts = this.#bySpec.get(pod.spec) ?? requestsOf(pod)
    this.#bySpec.set(pod.spec, amounts)
    return amounts
  }
}

interface Admission {
  /** What is seen to by somebody else. */
  readonly elsewhere?: (resource: string) => boolean
  readonly requests?: (pod: core.Pod) => Amounts
}

/** Why a pod cannot have what it asks for beside the others: the first resource of which there is too little. Those that the node does not have are nobody's concern here. */
export function lacking(
  pod: core.Pod,
  others: readonly core.Pod[],
  node: core.Node,
  { resources, elsewhere = () => false, requests = requestsOf }: Admission & { readonly resources?: readonly string[] } = {},
): { readonly reason: string; readonly message: string } | undefined {
  const allocatable = node.status?.allocatable ?? {}
  const wanted = requests(pod)
  const names = resources ?? [...BASIC, ...[...wanted.keys()].filter((name) => !BASIC.includes(name) && !elsewhere(name))]
  const used = others.map(requests)
  for (const resource of names) {
    const asked = wanted.get(resource) ?? 0
    const text = allocatable[resource]
    if (asked === 0 || (text === undefined && !BASIC.includes(resource))) continue
    const capacity = amountOf(resource, text ?? '0')
    const taken = used.reduce((sum, one) => sum + (one.get(resource) ?? 0), 0)
    if (taken + asked <= capacity) continue
    return {
      reason: `OutOf${resource}`,
      message: `Node didn't have enough resource: ${resource}, requested: ${asked}, used: ${taken}, capacity: ${capacity}`,
    }
  }
  return undefined
}

const BASIC = ['cpu', 'memory', 'ephemeral-storage']

/** Whether the node has the labels that the pod wants of it. */
export function isSelected(pod: core.Pod, node: core.Node): boolean {
  const labels = node.metadata?.labels ?? {}
  return Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
}

/** Throws `PodRejected` when the node cannot hold the pod beside those that it has. The scheduler sees to that; this is for who goes past it. */
export function admitPod(pod: core.Pod, others: readonly core.Pod[], node: core.Node, how: Admission = {}): void {
  const allocatable = node.status?.allocatable ?? {}
  const reject = (reason: string, why: string): never => {
    throw new PodRejected(reason, `Pod was rejected: ${why}`)
  }
  // Never half-honoured: what this node cannot do for a pod keeps the pod from it.
  if (pod.spec?.securityContext?.supplementalGroupsPolicy === 'Strict' && node.status?.features?.supplementalGroupsPolicy !== true)
    reject('SupplementalGroupsPolicyNotSupported', 'SupplementalGroupsPolicy=Strict is not supported in this node')
  const lackingFeatures = featuresToRun(pod.spec).filter((feature) => node.status?.declaredFeatures?.includes(feature) !== true)
  if (lackingFeatures.length > 0)
    reject('PodFeatureUnsupported', `Pod requires node features that are not available: ${lackingFeatures.join(', ')}`)
  const mostPods = Number(allocatable.pods ?? '0')
  if (others.length + 1 > mostPods)
    reject('OutOfpods', `Node didn't have enough resource: pods, requested: 1, used: ${others.length}, capacity: ${mostPods}`)
  const lack = lacking(pod, others, node, how)
  if (lack !== undefined) reject(lack.reason, lack.message)
  if (!isSelected(pod, node)) reject('NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")
  const taken = others.flatMap(hostPortsOf)
  if (hostPortsOf(pod).some((port) => taken.some((other) => clash(port, other))))
    reject('NodePorts', "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports")
  const os = pod.spec?.os?.name ?? pod.spec?.nodeSelector?.['kubernetes.io/os']
  if (os !== undefined && os !== 'linux') reject('PodOSNotSupported', "Failed to admit pod as the OS field doesn't match node OS")
}

interface HostPort {
  readonly protocol: string
  readonly port: number
  readonly ip: string
}
function hostPortsOf(pod: core.Pod): HostPort[] {
  return [...mainContainersOf(pod), ...initContainersOf(pod)].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, protocol = 'TCP', hostIP = '' }) =>
      hostPort === 0 ? [] : [{ protocol, port: hostPort, ip: hostIP === '' ? '0.0.0.0' : hostIP }],
    ),
  )
}
const clash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')
