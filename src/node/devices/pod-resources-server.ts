import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import type { Scope } from '#base'
import type { core } from '#api'
import { serveGrpc } from '../cri/grpc/serve.ts'
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
  /** Processors that are a container's own. */
  readonly cpus: (pod: core.Pod, container: string) => readonly number[]
  readonly usableCpus: () => readonly number[]
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
        cpuIds: parts.usableCpus().map(BigInt),
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
      cpuIds: parts.cpus(pod, name).map(BigInt),
      dynamicResources: parts.claims(pod, name),
    })),
  }
}

const deviceOf = (resourceName: string, id: string, numaNodes: readonly number[]): object => ({
  resourceName,
  deviceIds: [id],
  ...(numaNodes.length === 0 ? {} : { topology: { nodes: numaNodes.map((node) => ({ ID: BigInt(node) })) } }),
})
