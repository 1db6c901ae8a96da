import type { PassView } from '../model/annotations/passes.ts'
import { shown } from '../model/grammar.ts'
import type { Retry } from '../model/retry.ts'
import { type BackendPort, keyOfBackend } from '../model/wish.ts'
import { type Verdict, isFalse } from './status/conditions.ts'
import { mayRefer } from './grants.ts'
import { type BackendReference, GROUP, type ReferenceGrant } from './kinds.ts'

export interface BackendView extends PassView {
  /** Why nobody can answer for this port; undefined when somebody could. */
  refusal(port: BackendPort): { readonly isThere: boolean; readonly message: string } | undefined
  grantsIn(namespace: string): readonly ReferenceGrant[]
  /** The number by which requests of the object are known; undefined: there are as many as there may be. */
  observed(wish: string): number | undefined
}

/** All that the backends of one route come to. */
export class Backends {
  readonly #from: { readonly group: string; readonly kind: string; readonly namespace: string }
  readonly #view: BackendView
  readonly #speaks: BackendPort['speaks']
  readonly ports = new Map<string, BackendPort>()
  /** Named, whether or not they are there. */
  readonly services = new Set<string>()
  /** The first reference that leads nowhere. */
  problem: Verdict | undefined

  constructor(kind: string, namespace: string, view: BackendView, speaks: BackendPort['speaks']) {
    this.#from = { group: GROUP, kind, namespace }
    this.#view = view
    this.#speaks = speaks
  }

  /** The key of the backend; undefined: there is none, and the problem says why. */
  keyFor(
    { group = '', kind = 'Service', name, namespace = this.#from.namespace, port }: BackendReference,
    retry?: Retry,
  ): string | undefined {
    const fail = (reason: string, message: string): undefined => {
      this.problem ??= isFalse('ResolvedRefs', reason, message)
    }
    if (group !== '' || kind !== 'Service') return fail('InvalidKind', `a backend of kind ${shown(kind)} is not led to: Services are`)
    if (!mayRefer(this.#from, { group, kind, namespace, name }, this.#view.grantsIn))
      return fail('RefNotPermitted', `no ReferenceGrant in ${namespace} allows this route the Service ${shown(name)}`)
    const service = `${namespace}/${name}`
    this.services.add(service)
    const backend: BackendPort = {
      service,
      port: { number: port ?? 0 },
      ...(this.#speaks === undefined ? {} : { speaks: this.#speaks }),
      ...(retry === undefined ? {} : { retry }),
    }
    const refusal = this.#view.refusal(backend)
    if (refusal !== undefined) return fail(refusal.isThere ? 'UnsupportedProtocol' : 'BackendNotFound', refusal.message)
    const key = keyOfBackend(backend)
    this.ports.set(key, backend)
    return key
  }
}
