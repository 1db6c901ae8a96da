import { type Methods, methodsOf } from '../cri/grpc/descriptors.ts'

/** Drivers of dynamic resources tell how their devices are: all of them, each time that one changes. */
const TABLE = {
  NodeWatchResourcesRequest: {},
  DeviceIdentifier: { pool_name: [1, 'string'], device_name: [2, 'string'] },
  DeviceHealth: {
    device: [1, 'DeviceIdentifier'],
    health: [2, 'int32'],
    last_updated_time: [3, 'int64'],
    health_check_timeout_seconds: [4, 'int64'],
    message: [5, 'string'],
  },
  NodeWatchResourcesResponse: { devices: [1, 'DeviceHealth', 'repeated'] },
  DRAResourceHealth: {
    service: { NodeWatchResources: ['NodeWatchResourcesRequest', 'NodeWatchResourcesResponse', 'server-stream'] },
  },
} as const

export const healthMethods = (): Methods => methodsOf('v1alpha1', TABLE)

/** `DeviceHealth` as it comes. `health`: 1 well, 2 ill, all else unknown. */
export interface DeviceHealthMessage {
  readonly device?: { readonly poolName: string; readonly deviceName: string }
  readonly health: number
  readonly healthCheckTimeoutSeconds: bigint
  readonly message: string
}
