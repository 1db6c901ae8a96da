import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import type { Scope } from '#base'
import type { core } from '#api'
import { nodesIn } from '../alignment/hints.ts'
import type { NodeAlignment } from '../alignment/node-alignment.ts'
import { serveGrpc } from '../cri/grpc/serve.ts'
import type { Block } from '../memory-nodes/memory-state.ts'
import { isDone } from '../pods/plan/ending.ts'
import { initContainersOf, isSidecar, mainContainersOf, nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'
import type { DevicePlugins } from './device-plugins.ts'
import { type ClaimUse, podResourcesMethods } from './pod-resources-api.ts'

export interface PodResourcesParts {
  readonly dir: string
  readonly pods: () => readonly core.Pod[]
  readonly devices: Pick<DevicePlugins, 'held' | 'usable'>
  /** What the drivers of its claims have given to a container. */
  readonly claims: (pod: core.Pod, container: string) => readonly ClaimUse[]
  /** Processors and memory that are a container's own, and what there is for containers. */
  readonly places: Pick<NodeAlignment, 'cpusOf' | 'usableCpus' | 'memoryOf' | 'usableMemory'>
}

/** Serves who has what on this node, at `kubelet.sock` of a directory, until the scope ends. */
export async function servePodResources(scope: Scope, parts: PodResourcesParts): Promise<void> {
  const methods = podResourcesMethods()
  const active = (): core.Pod[] => parts.pods().filter(({ status }) => !isDone(status?.phase))
  await mkdir(parts.dir, { recursive: true, mode: 0o750 })
  await serveGrpc(scope, join(parts.dir, 'kubelet.sock'), [
    [methods.get('PodResourcesLister/List'), async () => ({ podResources: active().map((pod) => resourcesOf(pod, parts)) })],
    [
      methods.get('PodResourcesLister/Get'),
      async ({ podName, podNamespace }: { readonly podName: string; readonly podNamespace: string }) => {
        const pod = active().find((one) => nameOf(one) === podName && namespaceOf(one) === podNamespace)
        if (pod === undefined) throw new ConnectError(`pod ${podName} in namespace ${podNamespace} not found`, Code.Unknown)
        return { podResources: resourcesOf(pod, parts) }
      },
    ],
    [
      methods.get('PodResourcesLister/GetAllocatableResources'),
      async () => ({
        devices: parts.devices.usable().map(({ resource, id, numaNodes }) => deviceOf(resource, id, numaNodes)),
        cpuIds: parts.places.usableCpus().map(BigInt),
        memory: parts.places.usableMemory().map(memoryOf),
      }),
    ],
  ])
}

/** Init containers that have ended have nothing any more. */
function resourcesOf(pod: core.Pod, parts: PodResourcesParts): object {
  const lasting = [...initContainersOf(pod).filter((container) => isSidecar(pod, container)), ...mainContainersOf(pod)]
  return {
    name: nameOf(pod),
    namespace: namespaceOf(pod),
    containers: lasting.map(({ name }) => ({
      name,
      devices: parts.devices
        .held(uidOf(pod), name)
        .flatMap(({ resource, ids, numaNodes }) => ids.map((id) => deviceOf(resource, id, numaNodes(id)))),
      cpuIds: parts.places.cpusOf(pod, name).map(BigInt),
      memory: parts.places.memoryOf(pod, name).map(memoryOf),
      dynamicResources: parts.claims(pod, name),
    })),
  }
}

const deviceOf = (resourceName: string, id: string, numaNodes: readonly number[]): object => ({
  resourceName,
  deviceIds: [id],
  ...(numaNodes.length === 0 ? {} : { topology: topologyOf(numaNodes) }),
})

const topologyOf = (nodes: readonly number[]): object => ({ nodes: nodes.map((node) => ({ ID: BigInt(node) })) })
const memoryOf = ({ type, bytes, nodes }: Block): object => ({
  memoryType: type,
  size: BigInt(bytes),
  topology: topologyOf(nodesIn(nodes)),
})
