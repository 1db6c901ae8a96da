import { type core, quantityMilli, quantityValue } from '#api'
import { PodRejected } from '../refusal.ts'
import { initContainersOf, isSidecar, mainContainersOf } from '../pods/pod-facts.ts'

type Amounts = { cpu: number; memory: number; 'ephemeral-storage': number }

/** What a pod asks for: its lasting containers together, or its largest init container, or what it says itself. */
export function requestsOf(pod: core.Pod): Amounts {
  const zero = { cpu: 0, memory: 0, 'ephemeral-storage': 0 }
  const of = (requests: Record<string, string> | undefined): Amounts => ({
    cpu: requests?.cpu === undefined ? 0 : quantityMilli(requests.cpu),
    memory: requests?.memory === undefined ? 0 : quantityValue(requests.memory),
    'ephemeral-storage': requests?.['ephemeral-storage'] === undefined ? 0 : quantityValue(requests['ephemeral-storage']),
  })
  const join = (a: Amounts, b: Amounts, how: (x: number, y: number) => number): Amounts => ({
    cpu: how(a.cpu, b.cpu),
    memory: how(a.memory, b.memory),
    'ephemeral-storage': how(a['ephemeral-storage'], b['ephemeral-storage']),
  })
  const plus = (x: number, y: number): number => x + y
  let sidecars: Amounts = zero
  let init: Amounts = zero
  for (const container of initContainersOf(pod)) {
    const own = of(container.resources?.requests)
    if (isSidecar(pod, container)) {
      sidecars = join(sidecars, own, plus)
      init = join(init, sidecars, Math.max)
    } else {
      init = join(init, join(own, sidecars, plus), Math.max)
    }
  }
  const main = mainContainersOf(pod).reduce((sum, container) => join(sum, of(container.resources?.requests), plus), sidecars)
  const total = join(main, init, Math.max)
  const own = pod.spec?.resources?.requests
  const asked =
    own === undefined
      ? total
      : {
          ...total,
          ...(own.cpu === undefined ? {} : { cpu: quantityMilli(own.cpu) }),
          ...(own.memory === undefined ? {} : { memory: quantityValue(own.memory) }),
        }
  return join(asked, of(pod.spec?.overhead), plus)
}

/** Why a pod cannot have what it asks for beside the others: the first resource of which there is too little. */
export function lacking(
  pod: core.Pod,
  others: readonly core.Pod[],
  node: core.Node,
  resources: readonly (keyof Amounts)[],
): { readonly reason: string; readonly message: string } | undefined {
  const allocatable = node.status?.allocatable ?? {}
  const wanted = requestsOf(pod)
  const used = others.map(requestsOf)
  for (const resource of resources) {
    const capacity = resource === 'cpu' ? quantityMilli(allocatable.cpu ?? '0') : quantityValue(allocatable[resource] ?? '0')
    const taken = used.reduce((sum, one) => sum + one[resource], 0)
    if (wanted[resource] === 0 || taken + wanted[resource] <= capacity) continue
    return {
      reason: `OutOf${resource}`,
      message: `Node didn't have enough resource: ${resource}, requested: ${wanted[resource]}, used: ${taken}, capacity: ${capacity}`,
    }
  }
  return undefined
}

/** Whether the node has the labels that the pod wants of it. */
export function isSelected(pod: core.Pod, node: core.Node): boolean {
  const labels = node.metadata?.labels ?? {}
  return Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)
}

/** Throws `PodRejected` when the node cannot hold the pod beside those that it has. The scheduler sees to that; this is for who goes past it. */
export function admitPod(pod: core.Pod, others: readonly core.Pod[], node: core.Node): void {
  const allocatable = node.status?.allocatable ?? {}
  const reject = (reason: string, why: string): never => {
    throw new PodRejected(reason, `Pod was rejected: ${why}`)
  }
  // Never half-honoured: what this node cannot do for a pod keeps the pod from it.
  if (pod.spec?.securityContext?.supplementalGroupsPolicy === 'Strict')
    reject('SupplementalGroupsPolicyNotSupported', 'SupplementalGroupsPolicy=Strict is not supported in this node')
  if ((pod.spec?.resourceClaims ?? []).length > 0) reject('ResourceClaimsNotSupported', 'spec.resourceClaims is not supported in this node')
  const mostPods = Number(allocatable.pods ?? '0')
  if (others.length + 1 > mostPods)
    reject('OutOfpods', `Node didn't have enough resource: pods, requested: 1, used: ${others.length}, capacity: ${mostPods}`)
  const lack = lacking(pod, others, node, ['cpu', 'memory', 'ephemeral-storage'])
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
