import { type Methods, methodsOf } from '../../cri/grpc/descriptors.ts'

/** csi.v1, as the Container Storage Interface has it: what a node asks of a driver. Of a `oneof` all members stand here; one of them is set. Names of messages, and enums, are not on the wire. */
const TABLE = {
  Topology: { segments: [1, 'map<string,string>'] },
  BlockVolume: {},
  MountVolume: { fs_type: [1, 'string'], mount_flags: [2, 'string', 'repeated'], volume_mount_group: [3, 'string'] },
  AccessMode: { mode: [1, 'int32'] },
  VolumeCapability: { block: [1, 'BlockVolume'], mount: [2, 'MountVolume'], access_mode: [3, 'AccessMode'] },
  CapacityRange: { required_bytes: [1, 'int64'], limit_bytes: [2, 'int64'] },
  NodeGetInfoRequest: {},
  NodeGetInfoResponse: { node_id: [1, 'string'], max_volumes_per_node: [2, 'int64'], accessible_topology: [3, 'Topology'] },
  NodeGetCapabilitiesRequest: {},
  Rpc: { type: [1, 'int32'] },
  NodeServiceCapability: { rpc: [1, 'Rpc'] },
  NodeGetCapabilitiesResponse: { capabilities: [1, 'NodeServiceCapability', 'repeated'] },
  NodeStageVolumeRequest: {
    volume_id: [1, 'string'],
    publish_context: [2, 'map<string,string>'],
    staging_target_path: [3, 'string'],
    volume_capability: [4, 'VolumeCapability'],
    secrets: [5, 'map<string,string>'],
    volume_context: [6, 'map<string,string>'],
  },
  NodeStageVolumeResponse: {},
  NodeUnstageVolumeRequest: { volume_id: [1, 'string'], staging_target_path: [2, 'string'] },
  NodeUnstageVolumeResponse: {},
  NodePublishVolumeRequest: {
    volume_id: [1, 'string'],
    publish_context: [2, 'map<string,string>'],
    staging_target_path: [3, 'string'],
    target_path: [4, 'string'],
    volume_capability: [5, 'VolumeCapability'],
    readonly: [6, 'bool'],
    secrets: [7, 'map<string,string>'],
    volume_context: [8, 'map<string,string>'],
  },
  NodePublishVolumeResponse: {},
  NodeUnpublishVolumeRequest: { volume_id: [1, 'string'], target_path: [2, 'string'] },
  NodeUnpublishVolumeResponse: {},
  NodeGetVolumeStatsRequest: { volume_id: [1, 'string'], volume_path: [2, 'string'], staging_target_path: [3, 'string'] },
  VolumeUsage: { available: [1, 'int64'], total: [2, 'int64'], used: [3, 'int64'], unit: [4, 'int32'] },
  VolumeCondition: { abnormal: [1, 'bool'], message: [2, 'string'] },
  NodeGetVolumeStatsResponse: { usage: [1, 'VolumeUsage', 'repeated'], volume_condition: [2, 'VolumeCondition'] },
  NodeExpandVolumeRequest: {
    volume_id: [1, 'string'],
    volume_path: [2, 'string'],
    capacity_range: [3, 'CapacityRange'],
    staging_target_path: [4, 'string'],
    volume_capability: [5, 'VolumeCapability'],
    secrets: [6, 'map<string,string>'],
  },
  NodeExpandVolumeResponse: { capacity_bytes: [1, 'int64'] },
  Node: {
    service: {
      NodeStageVolume: ['NodeStageVolumeRequest', 'NodeStageVolumeResponse', ''],
      NodeUnstageVolume: ['NodeUnstageVolumeRequest', 'NodeUnstageVolumeResponse', ''],
      NodePublishVolume: ['NodePublishVolumeRequest', 'NodePublishVolumeResponse', ''],
      NodeUnpublishVolume: ['NodeUnpublishVolumeRequest', 'NodeUnpublishVolumeResponse', ''],
      NodeGetVolumeStats: ['NodeGetVolumeStatsRequest', 'NodeGetVolumeStatsResponse', ''],
      NodeExpandVolume: ['NodeExpandVolumeRequest', 'NodeExpandVolumeResponse', ''],
      NodeGetCapabilities: ['NodeGetCapabilitiesRequest', 'NodeGetCapabilitiesResponse', ''],
      NodeGetInfo: ['NodeGetInfoRequest', 'NodeGetInfoResponse', ''],
    },
  },
} as const

export const csiMethods = (): Methods => methodsOf('csi.v1', TABLE)

export type CsiNodeCall = keyof (typeof TABLE)['Node']['service']

/** VolumeCapability.AccessMode.Mode. */
export const ACCESS_MODES = {
  'single-node-writer': 1,
  'single-node-reader-only': 2,
  'multi-node-reader-only': 3,
  'multi-node-multi-writer': 5,
  'single-node-single-writer': 6,
  'single-node-multi-writer': 7,
} as const

/** NodeServiceCapability.RPC.Type. */
export const NODE_CAPABILITIES = { stages: 1, tellsStats: 2, expands: 3, knowsSingleWriters: 5, mountsGroups: 6 } as const

/** VolumeUsage.Unit. */
export const UNITS: Readonly<Record<number, 'bytes' | 'inodes'>> = { 1: 'bytes', 2: 'inodes' }

export interface NodeInfoMessage {
  readonly nodeId: string
  readonly maxVolumesPerNode: bigint
  readonly accessibleTopology?: { readonly segments: Readonly<Record<string, string>> }
}
export interface CapabilitiesMessage {
  readonly capabilities: readonly { readonly rpc?: { readonly type: number } }[]
}
export interface StatsMessage {
  readonly usage: readonly { readonly available: bigint; readonly total: bigint; readonly used: bigint; readonly unit: number }[]
  readonly volumeCondition?: { readonly abnormal: boolean; readonly message: string }
}
