import { rfc3339, rfc3339Micro } from '#base'
import type { coordination, core } from '#api'

/** kwok's words, so that what was written for it runs here: a node with this annotation is pretended, by whoever made it. */
const FAKE_ANNOTATION = 'kwok.x-k8s.io/node'
const FAKE = 'fake'
/** And ours, by which they can be selected. */
const SIMULATED_LABEL = 'sampan.dev/simulated'

export interface NodeShape {
  readonly cpu: string
  readonly memory: string
  readonly pods: number
  /** Whether pods have to tolerate that their node is none. */
  readonly isTainted: boolean
}

export const nodeName = (index: number): string => `simulated-${index + 1}`

export const isSimulated = (node: core.Node): boolean => node.metadata?.annotations?.[FAKE_ANNOTATION] === FAKE

/** No address says where an agent is, so nobody tries to reach one. */
export function simulatedNode(index: number, shape: NodeShape, nowMs: number): core.Node {
  const name = nodeName(index)
  return {
    metadata: {
      name,
      annotations: { [FAKE_ANNOTATION]: FAKE, 'node.alpha.kubernetes.io/ttl': '0' },
      labels: {
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        [SIMULATED_LABEL]: 'true',
        type: 'kwok',
      },
    },
    spec: shape.isTainted ? { taints: [{ key: FAKE_ANNOTATION, value: FAKE, effect: 'NoSchedule' }] } : {},
    status: readyStatus({ metadata: { name } }, shape, nowMs),
  }
}

/** The status of a node that is well. What it says of its size stays. */
export function readyStatus(node: core.Node, shape: NodeShape, nowMs: number): core.NodeStatus {
  const now = rfc3339(nowMs)
  const amounts = { cpu: shape.cpu, memory: shape.memory, pods: String(shape.pods), 'ephemeral-storage': '1Ti' }
  const condition = (type: string, status: string, reason: string, message: string): core.NodeCondition => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  })
  return {
    capacity: { ...amounts, ...node.status?.capacity },
    allocatable: { ...amounts, ...node.status?.allocatable },
    addresses: [{ type: 'Hostname', address: node.metadata?.name ?? '' }],
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ],
    nodeInfo: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: 'simulated',
      osImage: 'simulated',
      containerRuntimeVersion: 'simulated',
      kubeletVersion: 'v1.36.3',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  }
}

export const LEASE_NAMESPACE = 'kube-node-lease'

export function leaseOf(name: string, nowMs: number): coordination.Lease {
  return {
    metadata: { namespace: LEASE_NAMESPACE, name },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: rfc3339Micro(nowMs) },
  }
}
