import type { Scope } from '#base'

/** How a volume is used. As in CSI: the mode of access is for the driver to judge. */
export type AccessMode =
  | 'single-node-writer'
  | 'single-node-reader-only'
  | 'multi-node-reader-only'
  | 'multi-node-multi-writer'
  | 'single-node-single-writer'
  | 'single-node-multi-writer'

export interface VolumeCapability {
  readonly accessMode: AccessMode
  /** Absent: pods see the block device. */
  readonly mount?: {
    readonly fsType: string
    readonly mountFlags: readonly string[]
    /** The pod's fsGroup, for drivers that see to it themselves. */
    readonly group?: string
  }
}

interface VolumeRequest {
  readonly volumeId: string
  readonly capability: VolumeCapability
  readonly publishContext: Readonly<Record<string, string>>
  readonly volumeContext: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
}
export interface StageRequest extends VolumeRequest {
  readonly stagingPath: string
}
export interface PublishRequest extends VolumeRequest {
  /** Absent: the driver does not stage. */
  readonly stagingPath?: string
  readonly targetPath: string
  readonly readOnly: boolean
}
export interface ExpandRequest {
  readonly volumeId: string
  readonly volumePath: string
  readonly stagingPath?: string
  readonly capability: VolumeCapability
  readonly requiredBytes: number
  readonly secrets: Readonly<Record<string, string>>
}

export interface DriverFeatures {
  readonly stages: boolean
  readonly tellsStats: boolean
  readonly expands: boolean
  readonly mountsGroups: boolean
  /** Knows the modes of access that say how many pods of one node may write. */
  readonly knowsSingleWriters: boolean
}

export interface VolumeUsage {
  readonly unit: 'bytes' | 'inodes'
  readonly available: number
  readonly total: number
  readonly used: number
}
export interface VolumeHealth {
  readonly usage: readonly VolumeUsage[]
  /** Present when the driver says that the volume is not as it should be. */
  readonly abnormal?: string
}

/** The node's part of a volume driver, in CSI's words. Every call may be made again after it failed, or after a crash, and then has the same outcome. */
export interface NodeDriver {
  features(scope: Scope): Promise<DriverFeatures>
  stage(scope: Scope, request: StageRequest): Promise<void>
  unstage(scope: Scope, volumeId: string, stagingPath: string): Promise<void>
  publish(scope: Scope, request: PublishRequest): Promise<void>
  unpublish(scope: Scope, volumeId: string, targetPath: string): Promise<void>
  expand(scope: Scope, request: ExpandRequest): Promise<void>
  stats(scope: Scope, volumeId: string, volumePath: string, stagingPath: string | undefined): Promise<VolumeHealth>
}

/** The drivers that this node has now. */
export interface NodeDrivers {
  /** Throws when there is none of this name. */
  get(name: string): NodeDriver
  /** Asks a driver anew what it says of this node, and tells the API. A failure is told in the log. */
  tellAgain(scope: Scope, name: string): Promise<void>
}
