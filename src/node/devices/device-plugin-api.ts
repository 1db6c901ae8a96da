import { type Methods, methodsOf } from '../cri/grpc/descriptors.ts'

/** The kubelet's device plugin API, v1beta1. */
const TABLE = {
  DevicePluginOptions: { pre_start_required: [1, 'bool'], get_preferred_allocation_available: [2, 'bool'] },
  RegisterRequest: {
    version: [1, 'string'],
    endpoint: [2, 'string'],
    resource_name: [3, 'string'],
    options: [4, 'DevicePluginOptions'],
  },
  Empty: {},
  ListAndWatchResponse: { devices: [1, 'Device', 'repeated'] },
  TopologyInfo: { nodes: [1, 'NUMANode', 'repeated'] },
  NUMANode: { ID: [1, 'int64'] },
  Device: { ID: [1, 'string'], health: [2, 'string'], topology: [3, 'TopologyInfo'] },
  PreStartContainerRequest: { devices_ids: [1, 'string', 'repeated'] },
  PreStartContainerResponse: {},
  PreferredAllocationRequest: { container_requests: [1, 'ContainerPreferredAllocationRequest', 'repeated'] },
  ContainerPreferredAllocationRequest: {
    available_deviceIDs: [1, 'string', 'repeated'],
    must_include_deviceIDs: [2, 'string', 'repeated'],
    allocation_size: [3, 'int32'],
  },
  PreferredAllocationResponse: { container_responses: [1, 'ContainerPreferredAllocationResponse', 'repeated'] },
  ContainerPreferredAllocationResponse: { deviceIDs: [1, 'string', 'repeated'] },
  AllocateRequest: { container_requests: [1, 'ContainerAllocateRequest', 'repeated'] },
  ContainerAllocateRequest: { devices_ids: [1, 'string', 'repeated'] },
  CDIDevice: { name: [1, 'string'] },
  AllocateResponse: { container_responses: [1, 'ContainerAllocateResponse', 'repeated'] },
  ContainerAllocateResponse: {
    envs: [1, 'map<string,string>'],
    mounts: [2, 'Mount', 'repeated'],
    devices: [3, 'DeviceSpec', 'repeated'],
    annotations: [4, 'map<string,string>'],
    cdi_devices: [5, 'CDIDevice', 'repeated'],
  },
  Mount: { container_path: [1, 'string'], host_path: [2, 'string'], read_only: [3, 'bool'] },
  DeviceSpec: { container_path: [1, 'string'], host_path: [2, 'string'], permissions: [3, 'string'] },
  Registration: { service: { Register: ['RegisterRequest', 'Empty', ''] } },
  DevicePlugin: {
    service: {
      GetDevicePluginOptions: ['Empty', 'DevicePluginOptions', ''],
      ListAndWatch: ['Empty', 'ListAndWatchResponse', 'server-stream'],
      GetPreferredAllocation: ['PreferredAllocationRequest', 'PreferredAllocationResponse', ''],
      Allocate: ['AllocateRequest', 'AllocateResponse', ''],
      PreStartContainer: ['PreStartContainerRequest', 'PreStartContainerResponse', ''],
    },
  },
} as const

export const DEVICE_PLUGIN_VERSION = 'v1beta1'
export const HEALTHY = 'Healthy'

export const devicePluginMethods = (): Methods => methodsOf('v1beta1', TABLE)

export interface PluginOptions {
  readonly preStartRequired: boolean
  readonly getPreferredAllocationAvailable: boolean
}
export interface RegisterMessage {
  readonly version: string
  readonly endpoint: string
  readonly resourceName: string
  readonly options?: PluginOptions
}
export interface DeviceMessage {
  readonly ID: string
  readonly health: string
  readonly topology?: { readonly nodes: readonly { readonly ID: bigint }[] }
}
export interface ContainerAllocation {
  readonly envs: Readonly<Record<string, string>>
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readOnly: boolean }[]
  readonly devices: readonly { readonly containerPath: string; readonly hostPath: string; readonly permissions: string }[]
  readonly annotations: Readonly<Record<string, string>>
  readonly cdiDevices: readonly { readonly name: string }[]
}
