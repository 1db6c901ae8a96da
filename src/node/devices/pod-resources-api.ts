import { type Methods, methodsOf } from '../cri/grpc/descriptors.ts'

/** The kubelet's PodResources API, v1: who watches devices asks it whose they are. */
const TABLE = {
  AllocatableResourcesRequest: {},
  AllocatableResourcesResponse: {
    devices: [1, 'ContainerDevices', 'repeated'],
    cpu_ids: [2, 'int64', 'repeated'],
    memory: [3, 'ContainerMemory', 'repeated'],
  },
  ListPodResourcesRequest: {},
  ListPodResourcesResponse: { pod_resources: [1, 'PodResources', 'repeated'] },
  PodResources: { name: [1, 'string'], namespace: [2, 'string'], containers: [3, 'ContainerResources', 'repeated'] },
  ContainerResources: {
    name: [1, 'string'],
    devices: [2, 'ContainerDevices', 'repeated'],
    cpu_ids: [3, 'int64', 'repeated'],
    memory: [4, 'ContainerMemory', 'repeated'],
    dynamic_resources: [5, 'DynamicResource', 'repeated'],
  },
  ContainerMemory: { memory_type: [1, 'string'], size: [2, 'uint64'], topology: [3, 'TopologyInfo'] },
  ContainerDevices: { resource_name: [1, 'string'], device_ids: [2, 'string', 'repeated'], topology: [3, 'TopologyInfo'] },
  TopologyInfo: { nodes: [1, 'NUMANode', 'repeated'] },
  NUMANode: { ID: [1, 'int64'] },
  DynamicResource: {
    claim_name: [2, 'string'],
    claim_namespace: [3, 'string'],
    claim_resources: [4, 'ClaimResource', 'repeated'],
  },
  ClaimResource: {
    cdi_devices: [1, 'CDIDevice', 'repeated'],
    driver_name: [2, 'string'],
    pool_name: [3, 'string'],
    device_name: [4, 'string'],
    share_id: [5, 'string', 'optional'],
  },
  CDIDevice: { name: [1, 'string'] },
  GetPodResourcesRequest: { pod_name: [1, 'string'], pod_namespace: [2, 'string'] },
  GetPodResourcesResponse: { pod_resources: [1, 'PodResources'] },
  PodResourcesLister: {
    service: {
      List: ['ListPodResourcesRequest', 'ListPodResourcesResponse', ''],
      GetAllocatableResources: ['AllocatableResourcesRequest', 'AllocatableResourcesResponse', ''],
      Get: ['GetPodResourcesRequest', 'GetPodResourcesResponse', ''],
    },
  },
} as const

export const podResourcesMethods = (): Methods => methodsOf('v1', TABLE)

/** A device of a claim, as its driver has prepared it. */
export interface ClaimDevice {
  readonly cdiDevices: readonly { readonly name: string }[]
  readonly driverName: string
  readonly poolName: string
  readonly deviceName: string
  readonly shareId?: string
}
export interface ClaimUse {
  readonly claimName: string
  readonly claimNamespace: string
  readonly claimResources: readonly ClaimDevice[]
}
