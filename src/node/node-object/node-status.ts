import { rfc3339 } from '#base'
import { type core, NODE_FEATURES, isExtendedResource } from '#api'
import type { Image, RuntimeFeatures, RuntimeHandler } from '../cri/runtime.ts'
import type { MachineFacts } from './facts.ts'
import type { NodeResources } from './node-resources.ts'

const MOST_IMAGES = 50

export interface NodeView {
  readonly facts: MachineFacts
  readonly name: string
  readonly ips: readonly string[]
  readonly resources: NodeResources
  readonly handlers: readonly RuntimeHandler[]
  readonly features: RuntimeFeatures | undefined
  readonly port: number
  readonly version: string
  readonly runtimeVersion: string
  readonly images: readonly Image[]
  /** Attached volumes that must not be taken away. */
  readonly volumesInUse: readonly string[]
  /** Empty when the node is ready. */
  readonly notReady: string
  readonly pressures: ReadonlySet<string>
  /** Sets the condition's heartbeat; changes alone set its transition. */
  readonly now: number
  readonly before: core.NodeStatus | undefined
}

/** Resources of the cluster's own that somebody has written into the Node's capacity: pods may ask for all of it. */
export function withOthers({ capacity, allocatable }: NodeResources, before: Readonly<Record<string, string>> = {}): NodeResources {
  const others = Object.fromEntries(Object.entries(before).filter(([name]) => isExtendedResource(name) && !(name in capacity)))
  return { capacity: { ...others, ...capacity }, allocatable: { ...others, ...allocatable } }
}

/** The Node's status: a pure function of what is known of the machine and the runtime. */
export function nodeStatus(view: NodeView): core.NodeStatus {
  const at = rfc3339(view.now)
  const condition = (type: string, bad: boolean, good: readonly [string, string], wrong: readonly [string, string]): core.NodeCondition => {
    const status = type === 'Ready' ? (bad ? 'False' : 'True') : bad ? 'True' : 'False'
    const [reason, message] = bad ? wrong : good
    const before = view.before?.conditions?.find((one) => one.type === type)
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: at,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : at,
    }
  }
  return {
    ...withOthers(view.resources, view.before?.capacity),
    conditions: [
      condition(
        'MemoryPressure',
        view.pressures.has('MemoryPressure'),
        ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
        ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ),
      condition(
        'DiskPressure',
        view.pressures.has('DiskPressure'),
        ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
        ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      ),
      condition(
        'PIDPressure',
        view.pressures.has('PIDPressure'),
        ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
        ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ),
      condition('Ready', view.notReady !== '', ['KubeletReady', 'kubelet is posting ready status'], ['KubeletNotReady', view.notReady]),
    ],
    addresses: [...view.ips.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: view.name }],
    declaredFeatures: [NODE_FEATURES.resizeOfPods, NODE_FEATURES.resizeOfInitContainers, NODE_FEATURES.restartOfAll],
    daemonEndpoints: { kubeletEndpoint: { Port: view.port } },
    nodeInfo: { ...view.facts.info, containerRuntimeVersion: view.runtimeVersion, kubeletVersion: view.version, kubeProxyVersion: '' },
    images: view.images
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, MOST_IMAGES)
      .map(({ digests, tags, sizeBytes }) => ({ names: [...digests, ...tags].slice(0, 5), sizeBytes })),
    volumesInUse: [...view.volumesInUse],
    ...(view.features && { features: { supplementalGroupsPolicy: view.features.supplementalGroupsPolicy } }),
    ...(view.handlers.length === 0
      ? {}
      : {
          runtimeHandlers: view.handlers.map(({ name, recursiveReadOnlyMounts, userNamespaces }) => ({
            name,
            features: { recursiveReadOnlyMounts, userNamespaces },
          })),
        }),
  }
}
