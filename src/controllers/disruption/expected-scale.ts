import { type Scope, SampanError } from '#base'
import { type KubeObject, type OwnerReference, type ResourceRef, type autoscalingV1, type core, isNotFound, refs } from '#api'
import { type DiscoveredResource, discover } from '#client'
import { type ControllerContext, type Informer, controllerOf } from '#reconcile'

/** What a budget's Events and condition say when its pods' owners cannot be asked. */
export class ScaleUnknown extends SampanError {
  readonly code = 'SCALE_UNKNOWN'
}

interface Scaled extends KubeObject {
  readonly spec?: { readonly replicas?: number | undefined } | undefined
}
interface Scale {
  readonly uid: string
  readonly replicas: number
}

export interface ExpectedScale {
  readonly scale: number
  /** Pods that nobody manages, of which no share can be taken. */
  readonly unmanaged: readonly core.Pod[]
}

const idOf = (apiVersion: string, kind: string): string => `${apiVersion.split('/').slice(0, -1).join('')}/${kind}`

/** How many pods those who manage pods want: the workloads from caches, every other kind by its scale subresource. */
export class ScaleFinder {
  readonly #context: ControllerContext
  readonly #cached: ReadonlyMap<string, Informer<Scaled>>
  #served: readonly DiscoveredResource[] | undefined

  constructor(context: ControllerContext) {
    this.#context = context
    const cache = (ref: ResourceRef): readonly [string, Informer<Scaled>] => [
      `${ref.group}/${ref.kind}`,
      context.informers.informer<Scaled>(ref),
    ]
    this.#cached = new Map([refs.replicationcontrollers, refs.deployments, refs.replicasets, refs.statefulsets].map(cache))
  }

  /** Other kinds may be served now. */
  forgetServed(): void {
    this.#served = undefined
  }

  /** Throws `ScaleUnknown`. */
  async expected(scope: Scope, pods: readonly core.Pod[]): Promise<ExpectedScale> {
    const asked = new Set<string>()
    const scales = new Map<string, number>()
    const unmanaged: core.Pod[] = []
    for (const pod of pods) {
      const owner = controllerOf(pod)
      if (owner === undefined) unmanaged.push(pod)
      if (owner === undefined || asked.has(owner.uid)) continue
      asked.add(owner.uid)
      const { namespace = '', name = '' } = pod.metadata ?? {}
      const found = this.#fromCache(owner, namespace) ?? (await this.#fromServer(scope, owner, namespace))
      if (found === undefined) throw new ScaleUnknown(`found no controllers for pod ${JSON.stringify(name)}`)
      scales.set(found.uid, found.replicas)
    }
    return { scale: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged }
  }

  /** A ReplicaSet of a Deployment stands for it. Undefined when nobody of that uid is seen. */
  #fromCache(owner: OwnerReference, namespace: string): Scale | undefined {
    const found = this.#cached.get(idOf(owner.apiVersion, owner.kind))?.get(`${namespace}/${owner.name}`)
    if (found?.metadata?.uid !== owner.uid) return undefined
    const above = owner.kind === 'ReplicaSet' ? controllerOf(found) : undefined
    if (above?.kind === 'Deployment') return this.#fromCache(above, namespace)
    return { uid: owner.uid, replicas: found.spec?.replicas ?? 1 }
  }

  async #fromServer(scope: Scope, owner: OwnerReference, namespace: string): Promise<Scale | undefined> {
    this.#served ??= (await discover(scope, this.#context.client)).resources
    const resource = this.#served.find(
      ({ ref }) => ref.kind === owner.kind && `${ref.group}/${ref.kind}` === idOf(owner.apiVersion, owner.kind),
    )
    if (resource === undefined)
      throw new ScaleUnknown(`no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`)
    const { ref, subresources } = resource
    if (!subresources.has('scale'))
      throw new ScaleUnknown(`${ref.group === '' ? ref.plural : `${ref.plural}.${ref.group}`} does not implement the scale subresource`)
    try {
      const scale = await this.#context.client
        .resource(ref)
        .subresource<autoscalingV1.Scale>(scope, { namespace, name: owner.name }, 'scale', { verb: 'get' })
      return scale.metadata?.uid === owner.uid ? { uid: owner.uid, replicas: scale.spec?.replicas ?? 0 } : undefined
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
}
