import type { HttpResponse } from '#base'
import type { Resource } from '#api'
import type { RequestContext } from './context.ts'

/** Serves a subresource or a resource that is not stored. By `pods/eviction`, `deployments.apps/rollback`, `tokenreviews.authentication.k8s.io`. */
export type SpecialHandler = (context: RequestContext, target: SpecialTarget) => Promise<HttpResponse> | HttpResponse

export interface SpecialTarget {
  readonly resource: Resource
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** What stands behind the subresource in the path. */
  readonly rest: string
}
