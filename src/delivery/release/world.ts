import type { KubeObject, ResourceRef, apps, autoscaling, core, networking } from '#api'
import type { Release, ReleaseStatus } from './objects.ts'
import type { HttpRoute } from './route/http-route.ts'
import type { Track } from './route/shares.ts'
import type { Reading } from './window.ts'

/** Nothing is planned from anything else. */
export interface World {
  readonly release: Release
  readonly target: apps.Deployment | undefined
  readonly service: core.Service | undefined
  /** The route is one of these. */
  readonly ingress: networking.Ingress | undefined
  readonly httpRoute: HttpRoute | undefined
  readonly tracks: Readonly<Record<Track, { readonly deployment: apps.Deployment | undefined; readonly service: core.Service | undefined }>>
  /** Those that scale the target. */
  readonly autoscalers: readonly autoscaling.HorizontalPodAutoscaler[]
  /** The Release that the lock of the target names, when it is another one that has not ended. */
  readonly owner: Release | undefined
  /** The template that is asked for, as the server would store it in the target. Asked for before a release begins. */
  readonly proposed: core.PodTemplateSpec | { readonly problem: string } | undefined
  /** Undefined: it was not asked for. */
  readonly reading: Reading | { readonly blind: string } | undefined
}

/** One call of the API. Each may be the last one that is made: the next plan begins from what is there then. */
export interface Write {
  readonly verb: 'apply' | 'json' | 'update' | 'delete'
  readonly ref: ResourceRef
  readonly name: string
  readonly body: KubeObject | readonly unknown[] | { readonly uid: string }
}

export interface Plan {
  readonly writes: readonly Write[]
  readonly status: ReleaseStatus
  /** When there is something to do again, whatever happens meanwhile. */
  readonly afterMs?: number | undefined
}

/** How soon is looked again after something was written. */
export const SOON_MS = 300
