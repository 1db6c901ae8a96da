import type { core } from '#api'
import { Cluster } from '../cluster/cluster.ts'
import { type PodInfo, compilePod } from '../pod/pod-info.ts'
import type { StorageView } from '../volumes/storage.ts'

/** Nodes and pods for tests, with what the test does not care about filled in. */
export const noStorage: StorageView = {
  claim: () => undefined,
  volume: () => undefined,
  volumesOfClass: () => [],
  storageClass: () => undefined,
  tracksCapacity: () => false,
  capacitiesOf: () => [],
  driversOf: () => [],
  mustBeInstalled: () => false,
  attachmentsOn: () => [],
}

export interface NodeWords {
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly core.Taint[]
  readonly cpu?: string
  readonly memory?: string
  readonly pods?: string
  readonly unschedulable?: boolean
  readonly images?: readonly core.ContainerImage[]
}

export function testNode(name: string, words: NodeWords = {}): core.Node {
  const { labels = {}, taints = [], cpu = '4', memory = '8Gi', pods = '110', unschedulable = false, images = [] } = words
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { taints: [...taints], unschedulable },
    status: { allocatable: { cpu, memory, pods }, images: [...images] },
  }
}

export interface PodWords {
  readonly labels?: Readonly<Record<string, string>>
  readonly namespace?: string
  readonly cpu?: string
  readonly memory?: string
  readonly priority?: number
  readonly spec?: Partial<core.PodSpec>
  readonly status?: core.PodStatus
}

export function testPod(name: string, words: PodWords = {}): PodInfo {
  const { labels = {}, namespace = 'default', cpu, memory, priority = 0, spec = {}, status } = words
  const requests = { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) }
  return compilePod({
    metadata: { name, namespace, uid: `uid-${namespace}-${name}`, labels: { ...labels } },
    spec: { containers: [{ name: 'main', image: 'app:1', resources: { requests } }], priority, ...spec },
    ...(status === undefined ? {} : { status }),
  })
}

export function testCluster(nodes: readonly core.Node[], placed: readonly (readonly [PodInfo, string])[] = []): Cluster {
  const cluster = new Cluster()
  for (const node of nodes) cluster.setNode(node)
  for (const [pod, node] of placed) cluster.place(pod, node)
  return cluster
}
