import { type Methods, methodsOf } from '../cri/grpc/descriptors.ts'

/** The kubelet's API towards drivers of dynamic resources: v1 and v1beta1 say the same, under two names. */
const TABLE = {
  NodePrepareResourcesRequest: { claims: [1, 'Claim', 'repeated'] },
  NodePrepareResourcesResponse: { claims: [1, 'map<string,NodePrepareResourceResponse>'] },
  NodePrepareResourceResponse: { devices: [1, 'Device', 'repeated'], error: [2, 'string'] },
  Device: {
    request_names: [1, 'string', 'repeated'],
    pool_name: [2, 'string'],
    device_name: [3, 'string'],
    cdi_device_ids: [4, 'string', 'repeated'],
    share_id: [5, 'string'],
  },
  NodeUnprepareResourcesRequest: { claims: [1, 'Claim', 'repeated'] },
  NodeUnprepareResourcesResponse: { claims: [1, 'map<string,NodeUnprepareResourceResponse>'] },
  NodeUnprepareResourceResponse: { error: [1, 'string'] },
  Claim: { namespace: [1, 'string'], uid: [2, 'string'], name: [3, 'string'] },
  DRAPlugin: {
    service: {
      NodePrepareResources: ['NodePrepareResourcesRequest', 'NodePrepareResourcesResponse', ''],
      NodeUnprepareResources: ['NodeUnprepareResourcesRequest', 'NodeUnprepareResourcesResponse', ''],
    },
  },
} as const

/** As drivers name them when they register; the first that both know is used. */
export const DRIVER_SERVICES = ['v1.DRAPlugin', 'v1beta1.DRAPlugin'] as const
export type DriverService = (typeof DRIVER_SERVICES)[number]

export const driverMethods = (service: DriverService): Methods =>
  methodsOf(`k8s.io.kubelet.pkg.apis.dra.${service.slice(0, service.indexOf('.'))}`, TABLE)

export interface ClaimMessage {
  readonly namespace: string
  readonly uid: string
  readonly name: string
}
/** A device that a driver has made ready. */
export interface PreparedDevice {
  readonly requestNames: readonly string[]
  readonly poolName: string
  readonly deviceName: string
  readonly cdiDeviceIds: readonly string[]
  readonly shareId: string
}
