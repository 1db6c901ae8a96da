import type { resource } from '#api'
import type { RequestName } from './constraints.ts'
import type { Pool } from './pools.ts'

/** A device that a request could get. */
export interface Candidate {
  readonly key: string
  readonly pool: Pool
  readonly slice: resource.ResourceSlice
  readonly device: resource.Device
}
/** A request of a claim, or one of its alternatives. */
export interface Wanted {
  readonly claim: number
  readonly name: RequestName
  readonly request: resource.ExactDeviceRequest | resource.DeviceSubRequest
  readonly deviceClass: resource.DeviceClass
  /** In the order in which they are tried. */
  readonly candidates: readonly Candidate[]
  /** What is asked of a device when its turn comes; undefined: the candidates have been asked. */
  readonly isWanted: ((slice: resource.ResourceSlice, device: resource.Device) => boolean) | undefined
  /** What was found out about devices. */
  readonly verdicts: Map<string, boolean>
  readonly count: number
  readonly isAdmin: boolean
}

/** A device that a claim gets. */
export interface Chosen {
  readonly wanted: Wanted
  readonly candidate: Candidate
  readonly share?: Readonly<Record<string, string>>
  readonly shareId?: string
}
