import type { Scope } from '#base'
import { type Channel, openChannel } from '../../cri/grpc/channel.ts'
import type { KubeletPaths } from '../../plugins/kubelet-paths.ts'
import {
  ACCESS_MODES,
  type CapabilitiesMessage,
  type CsiNodeCall,
  NODE_CAPABILITIES,
  type NodeInfoMessage,
  type StatsMessage,
  UNITS,
  csiMethods,
} from './csi-api.ts'
import type { DriverOnNode } from './csi-node.ts'
import type { DriverFeatures, NodeDriver, VolumeCapability } from './node-driver.ts'

/** As long as the kubelet waits. */
const ANSWER_MS = 120_000
const MOST_BYTES = 4 * 2 ** 20

/** A CSI driver's node service behind a socket. */
export interface GrpcDriver extends NodeDriver, Disposable {
  info(scope: Scope): Promise<Omit<DriverOnNode, 'name'>>
}

/** Paths are told as the driver sees them. What it can do is asked once; a driver that changes registers anew. */
export function grpcDriver(endpoint: string, paths: KubeletPaths): GrpcDriver {
  const channel: Channel = openChannel({ path: endpoint }, { readMaxBytes: MOST_BYTES })
  const methods = csiMethods()
  let known: Promise<DriverFeatures> | undefined
  async function call(scope: Scope, name: CsiNodeCall, request: object): Promise<unknown> {
    return channel.unary(scope, methods.get(`Node/${name}`), request, { timeoutMs: ANSWER_MS })
  }
  async function ask(scope: Scope): Promise<DriverFeatures> {
    const { capabilities } = (await call(scope, 'NodeGetCapabilities', {})) as CapabilitiesMessage
    const has = (type: number): boolean => capabilities.some(({ rpc }) => rpc?.type === type)
    return {
      stages: has(NODE_CAPABILITIES.stages),
      tellsStats: has(NODE_CAPABILITIES.tellsStats),
      expands: has(NODE_CAPABILITIES.expands),
      mountsGroups: has(NODE_CAPABILITIES.mountsGroups),
      knowsSingleWriters: has(NODE_CAPABILITIES.knowsSingleWriters),
    }
  }
  const staging = (path: string | undefined): object => (path === undefined ? {} : { stagingTargetPath: paths.inDrivers(path) })
  return {
    async info(scope) {
      const { nodeId, maxVolumesPerNode, accessibleTopology } = (await call(scope, 'NodeGetInfo', {})) as NodeInfoMessage
      return { nodeId, topology: { ...accessibleTopology?.segments }, mostVolumes: Number(maxVolumesPerNode) }
    },
    features(scope) {
      known ??= ask(scope).catch((error: unknown) => {
        known = undefined
        throw error
      })
      return known
    },
    async stage(scope, { volumeId, stagingPath, capability, publishContext, volumeContext, secrets }) {
      const volumeCapability = capabilityMessage(capability)
      await call(scope, 'NodeStageVolume', { volumeId, ...staging(stagingPath), volumeCapability, publishContext, volumeContext, secrets })
    },
    async unstage(scope, volumeId, stagingPath) {
      await call(scope, 'NodeUnstageVolume', { volumeId, ...staging(stagingPath) })
    },
    async publish(scope, { volumeId, stagingPath, targetPath, readOnly, capability, publishContext, volumeContext, secrets }) {
      const volumeCapability = capabilityMessage(capability)
      const at = { ...staging(stagingPath), targetPath: paths.inDrivers(targetPath) }
      await call(scope, 'NodePublishVolume', {
        volumeId,
        ...at,
        readonly: readOnly,
        volumeCapability,
        publishContext,
        volumeContext,
        secrets,
      })
    },
    async unpublish(scope, volumeId, targetPath) {
      await call(scope, 'NodeUnpublishVolume', { volumeId, targetPath: paths.inDrivers(targetPath) })
    },
    async expand(scope, { volumeId, volumePath, stagingPath, capability, requiredBytes, secrets }) {
      await call(scope, 'NodeExpandVolume', {
        volumeId,
        volumePath: paths.inDrivers(volumePath),
        ...staging(stagingPath),
        capacityRange: { requiredBytes: BigInt(requiredBytes) },
        volumeCapability: capabilityMessage(capability),
        secrets,
      })
    },
    async stats(scope, volumeId, volumePath, stagingPath) {
      const request = { volumeId, volumePath: paths.inDrivers(volumePath), ...staging(stagingPath) }
      const { usage, volumeCondition } = (await call(scope, 'NodeGetVolumeStats', request)) as StatsMessage
      return {
        usage: usage.flatMap(({ available, total, used, unit }) => {
          const name = UNITS[unit]
          return name === undefined ? [] : [{ unit: name, available: Number(available), total: Number(total), used: Number(used) }]
        }),
        ...(volumeCondition?.abnormal === true ? { abnormal: volumeCondition.message } : {}),
      }
    },
    [Symbol.dispose]: () => channel.close(),
  }
}

function capabilityMessage({ accessMode, mount }: VolumeCapability): object {
  const mode = { accessMode: { mode: ACCESS_MODES[accessMode] } }
  if (mount === undefined) return { ...mode, block: {} }
  return { ...mode, mount: { fsType: mount.fsType, mountFlags: mount.mountFlags, volumeMountGroup: mount.group ?? '' } }
}
