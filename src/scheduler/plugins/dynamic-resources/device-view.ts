import type { resource } from '#api'

/** The objects of resource.k8s.io that a decision may read. */
export interface DeviceView {
  claim(namespace: string, name: string): resource.ResourceClaim | undefined
  /** The claim that was made for the extended resources of a pod. */
  extendedClaimOf(podUid: string): resource.ResourceClaim | undefined
  allocatedClaims(): readonly resource.ResourceClaim[]
  deviceClass(name: string): resource.DeviceClass | undefined
  /** The class whose devices are given to who asks for this extended resource. */
  classOfExtended(resource: string): resource.DeviceClass | undefined
  /** False: no class stands behind any extended resource, except by its own name. */
  readonly hasExtended: boolean
  /** Slices of this node alone, and those that are not of one node. */
  slicesFor(node: string): readonly resource.ResourceSlice[]
  slicesOfPool(driver: string, pool: string): readonly resource.ResourceSlice[]
}

export const IMPLICIT_PREFIX = 'deviceclass.resource.kubernetes.io/'

export const noDevices: DeviceView = {
  claim: () => undefined,
  extendedClaimOf: () => undefined,
  allocatedClaims: () => [],
  deviceClass: () => undefined,
  classOfExtended: () => undefined,
  hasExtended: false,
  slicesFor: () => [],
  slicesOfPool: () => [],
}

/** Names a device in the whole cluster. */
export const deviceKey = ({ driver, pool, device }: Pick<resource.DeviceRequestAllocationResult, 'driver' | 'pool' | 'device'>): string =>
  `${driver}/${pool}/${device}`
