import type { KubeObject, ResourceRef } from '#api'
import { platformRef } from '../platform/kind.ts'
import { type MODES, applicationKind, applicationRevisionKind } from './kinds.ts'

export type Mode = (typeof MODES)[number]

export interface Application extends KubeObject {
  spec: {
    readonly revision: number
    /** The API server fills it in. */
    readonly mode?: Mode | undefined
    readonly revisionHistoryLimit?: number | undefined
  }
  status?: ApplicationStatus | undefined
}

export interface ApplicationStatus {
  readonly observedGeneration?: number | undefined
  readonly revision?: number | undefined
  readonly mode?: Mode | undefined
  readonly summary?: string | undefined
  readonly pods?: PodCounts | undefined
  readonly parts?: readonly PartStatus[] | undefined
  readonly conditions?: readonly Condition[] | undefined
}

export interface PodCounts {
  readonly wanted: number
  readonly updated: number
  readonly ready: number
  readonly available: number
}

/** Ready: as it should be. Waiting: not applied yet, as it waits for another part. */
export type PartState = 'Ready' | 'Progressing' | 'Waiting' | 'Missing' | 'Failed'

export interface PartName {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

export interface PartStatus extends PartName {
  readonly state: PartState
  readonly message?: string | undefined
  readonly holdsData?: boolean | undefined
  readonly pods?: PodCounts | undefined
}

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly observedGeneration?: number | undefined
  readonly lastTransitionTime: string
  readonly reason: string
  readonly message: string
}

export interface ApplicationRevision extends KubeObject {
  readonly spec: {
    readonly application: string
    readonly revision: number
    readonly author: string
    readonly door: string
    readonly cause: string
    readonly rollbackOf?: number | undefined
    readonly manifests: string
    readonly sealed: number
    readonly digest: string
  }
  status?: { readonly appliedTime?: string | undefined; readonly refusal?: string | undefined } | undefined
}

export const applicationRef: ResourceRef<Application> = platformRef(applicationKind)
export const revisionRef: ResourceRef<ApplicationRevision> = platformRef(applicationRevisionKind)
