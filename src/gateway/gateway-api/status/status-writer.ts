import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, isConflict, isNotFound } from '#api'
import type { Client } from '#client'
import { inParallel } from '#reconcile'
import type { Parent } from '../attach.ts'
import type { Verdict } from './conditions.ts'
import { type BackendTLSPolicy, type Gateway, type GatewayClass, type Route, gatewayRefs } from '../kinds.ts'
import type { JudgedGateway } from '../listeners.ts'
import { ancestorsOfPolicy, parentsOfRoute, statusOfClass, statusOfGateway } from './statuses.ts'

const SIDE_BY_SIDE = 4

/** One status that has to be written. */
export interface StatusWrite {
  readonly ref: ResourceRef
  readonly object: KubeObject
  readonly status: object
}

const ROUTE_REFS: ReadonlyMap<string, ResourceRef> = new Map<string, ResourceRef>([
  ['HTTPRoute', gatewayRefs.httpRoutes],
  ['GRPCRoute', gatewayRefs.grpcRoutes],
  ['TLSRoute', gatewayRefs.tlsRoutes],
])

/** Says how classes, Gateways and routes stand. What says so already is not written. */
export class StatusWriter {
  readonly #client: Client
  readonly #isRecognized: boolean

  constructor(client: Client, isRecognized: boolean) {
    this.#client = client
    this.#isRecognized = isRecognized
  }

  ofClass(known: GatewayClass, now: string): StatusWrite | undefined {
    const status = statusOfClass(known, this.#isRecognized, now)
    return status === undefined ? undefined : { ref: gatewayRefs.classes, object: known, status }
  }

  ofGateway(known: Gateway, judged: JudgedGateway, attached: (listener: string) => number, now: string): StatusWrite | undefined {
    const status = statusOfGateway(known, judged, attached, now)
    return status === undefined ? undefined : { ref: gatewayRefs.gateways, object: known, status }
  }

  /** Without a judgement nothing of it is ours any more. */
  ofRoute(
    kind: string,
    known: Route,
    judged:
      | { readonly parents: readonly Parent[]; readonly verdicts: readonly Verdict[]; readonly refused: Verdict | undefined }
      | undefined,
    now: string,
  ): StatusWrite | undefined {
    const { parents: of = [], verdicts = [], refused } = judged ?? {}
    const parents = parentsOfRoute(known, of, verdicts, refused, now)
    const ref = ROUTE_REFS.get(kind)
    return parents === undefined || ref === undefined ? undefined : { ref, object: known, status: { parents } }
  }

  ofPolicy(known: BackendTLSPolicy, verdicts: readonly Verdict[], gateways: readonly string[], now: string): StatusWrite | undefined {
    const ancestors = ancestorsOfPolicy(known, verdicts, gateways, now)
    return ancestors === undefined ? undefined : { ref: gatewayRefs.backendTLSPolicies, object: known, status: { ancestors } }
  }

  /** What has changed meanwhile is not written: its change makes it be looked at again. */
  async write(scope: Scope, wanted: readonly (() => StatusWrite | undefined)[]): Promise<void> {
    await inParallel(wanted, SIDE_BY_SIDE, async (make) => {
      const write = make()
      if (write === undefined) return
      const { ref, object, status } = write
      const { namespace, name = '', resourceVersion } = object.metadata ?? {}
      try {
        await this.#client
          .resource(ref)
          .patch(scope, { namespace, name }, { type: 'merge', body: { metadata: { resourceVersion }, status } }, { subresource: 'status' })
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
    })
  }
}
