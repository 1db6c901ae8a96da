import type { Scope } from '#base'
import type { core, storage } from '#api'

/** The API objects that volumes of drivers refer to. A promise resolves undefined when the object does not exist. */
export interface CsiObjects {
  driver(scope: Scope, name: string): Promise<storage.CSIDriver | undefined>
  attachment(scope: Scope, name: string): Promise<storage.VolumeAttachment | undefined>
  secret(scope: Scope, namespace: string, name: string): Promise<core.Secret | undefined>
  /** A token of the pod's account for an audience; the empty word stands for the API server. */
  token(scope: Scope, pod: core.Pod, audience: string, expirationSeconds: number | undefined): Promise<PodToken>
  /** The claim and its volume, while they are bound to each other. */
  bound(scope: Scope, namespace: string, claim: string): Promise<BoundClaim | undefined>
  /** The claim's volume has this size on the node now. */
  resized(scope: Scope, claim: core.PersistentVolumeClaim, capacity: string): Promise<void>
}

export interface PodToken {
  readonly token: string
  readonly expirationTimestamp: string
  /** From then on a new one is to be asked for. */
  readonly renewAtMs: number
}
export interface BoundClaim {
  readonly claim: core.PersistentVolumeClaim
  readonly volume: core.PersistentVolume
}
