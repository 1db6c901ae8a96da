import type { Scope } from '#base'
import { type GroupResource, type KubeObject, type QuotaEvaluator, type ResourceRef, quotaEvaluator, refs } from '#api'
import { discover } from '#client'
import { type ControllerContext, reflect } from '#reconcile'
import { CountFeed } from './count-feed.ts'

/** One resource whose objects quotas measure, as far as it is known here. */
export interface Measured {
  readonly evaluator: QuotaEvaluator
  readonly synced: boolean
  /** Everything up to here has been seen. */
  readonly version: string
  list(namespace: string): Iterable<KubeObject>
  /** What there is now, from the server: never older than what has been acknowledged before the call. */
  listFresh(scope: Scope, namespace: string): Promise<Iterable<KubeObject>>
}

/** More than their number is counted of these. */
const WHOLE: readonly ResourceRef[] = [refs.pods, refs.services, refs.persistentvolumeclaims, refs.resourceclaims]
const idOf = ({ group, plural }: GroupResource): string => `${group}/${plural}`

/** Follows resources from when a quota first names them: clusters without quotas follow none. */
export class MeasuredResources {
  readonly #context: ControllerContext
  readonly #freed: (resource: GroupResource, namespace: string) => void
  readonly #hasQuota: (namespace: string) => boolean
  readonly #onSynced: () => void
  readonly #followed = new Map<string, Measured>()
  #served: Map<string, ResourceRef> | undefined

  /** `freed`: less of the resource may be used in the namespace now. `onSynced`: a resource can be measured from now on. */
  constructor(
    context: ControllerContext,
    options: {
      readonly freed: (resource: GroupResource, namespace: string) => void
      readonly hasQuota: (namespace: string) => boolean
      readonly onSynced: () => void
    },
  ) {
    this.#context = context
    this.#freed = options.freed
    this.#hasQuota = options.hasQuota
    this.#onSynced = options.onSynced
  }

  /** Other resources may be served now. */
  forgetServed(): void {
    this.#served = undefined
  }

  /** Undefined when the server does not have the resource. */
  async follow(scope: Scope, resource: GroupResource): Promise<Measured | undefined> {
    const known = this.#followed.get(idOf(resource))
    if (known !== undefined) return known
    this.#served ??= new Map(
      (await discover(scope, this.#context.client)).resources
        .filter(({ ref, verbs }) => ref.namespaced && verbs.has('list') && verbs.has('watch'))
        .map(({ ref }) => [idOf(ref), ref]),
    )
    const ref = this.#served.get(idOf(resource))
    const evaluator = quotaEvaluator(resource)
    if (ref === undefined || evaluator === undefined) return undefined
    const there = this.#followed.get(idOf(resource))
    if (there !== undefined) return there
    const whole = WHOLE.find((one) => idOf(one) === idOf(resource))
    const measured = whole === undefined ? this.#count(ref, evaluator) : this.#measure(whole, evaluator)
    this.#followed.set(idOf(resource), measured)
    return measured
  }

  #measure(ref: ResourceRef, evaluator: QuotaEvaluator): Measured {
    const { client, informers, scope } = this.#context
    const informer = informers.informer(ref)
    informer.onChange(({ old, now }) => {
      const namespace = (now ?? old)?.metadata?.namespace ?? ''
      if (old === undefined || !this.#hasQuota(namespace)) return
      if (now === undefined || evaluator.frees(old, now, scope.clock.now())) this.#freed(ref, namespace)
    })
    if (!informer.synced) void informers.start(scope).then(this.#onSynced, () => undefined)
    return {
      evaluator,
      get synced() {
        return informer.synced
      },
      get version() {
        return informer.version
      },
      list: (namespace) => informer.list(namespace),
      listFresh: async (within, namespace) => (await client.resource(ref).list(within, { namespace })).items ?? [],
    }
  }

  #count(ref: ResourceRef, evaluator: QuotaEvaluator): Measured {
    const { client, scope } = this.#context
    const feed = new CountFeed((namespace) => {
      if (this.#hasQuota(namespace)) this.#freed(ref, namespace)
    }, this.#onSynced)
    void reflect(scope.child(), client.metadata(ref), {}, feed)
    return {
      evaluator,
      get synced() {
        return feed.synced
      },
      get version() {
        return feed.version
      },
      list: (namespace) => feed.list(namespace),
      listFresh: async (within, namespace) => (await client.metadata(ref).list(within, { namespace })).items ?? [],
    }
  }
}
