import { type CancellableScope, type Scope } from '#base'
import { type KubeObject, type ResourceRef, apiVersionOf } from '#api'
import type { Client } from '#client'
import { type ReflectorSink, reflect } from '#reconcile'

interface Watched {
  readonly scope: CancellableScope
  readonly users: Map<string, () => void>
  object: KubeObject | undefined
  readonly known: Promise<void>
}

/**
 * Single objects, each watched by name for as long as somebody uses it: a node may see the ConfigMaps and Secrets of its own pods and
 * no others, so it cannot watch a namespace.
 */
export class ObjectWatches {
  readonly #scope: Scope
  readonly #client: Client
  readonly #watched = new Map<string, Watched>()

  constructor(scope: Scope, client: Client) {
    this.#scope = scope
    this.#client = client
  }

  /** The object now, undefined when it does not exist; `changed` is called whenever it changes afterwards, until the user lets go. */
  async get<T extends KubeObject>(
    scope: Scope,
    ref: ResourceRef<T>,
    namespace: string,
    name: string,
    user: string,
    changed: () => void,
  ): Promise<T | undefined> {
    const id = `${apiVersionOf(ref)}/${ref.plural}/${namespace}/${name}`
    const watched = this.#watched.get(id) ?? this.#begin(id, ref, namespace, name)
    watched.users.set(user, changed)
    await Promise.race([watched.known, cancelled(scope)])
    scope.check()
    // One entry per resource and name: what was stored under the id has the resource's type.
    return watched.object as T | undefined
  }

  release(user: string): void {
    for (const [id, watched] of this.#watched) {
      watched.users.delete(user)
      if (watched.users.size > 0) continue
      watched.scope.cancel()
      this.#watched.delete(id)
    }
  }

  #begin<T extends KubeObject>(id: string, ref: ResourceRef<T>, namespace: string, name: string): Watched {
    const known = Promise.withResolvers<void>()
    const watched: Watched = { scope: this.#scope.child(), users: new Map(), object: undefined, known: known.promise }
    const put = (object: T | undefined): void => {
      const first = watched.object
      watched.object = object
      known.resolve()
      if (first?.metadata?.resourceVersion !== object?.metadata?.resourceVersion) for (const changed of watched.users.values()) changed()
    }
    const sink: ReflectorSink<T> = {
      replace: ([object]) => put(object),
      put: (object) => put(object),
      remove: () => put(undefined),
      reached: () => undefined,
    }
    void reflect(watched.scope, this.#client.resource(ref), { namespace, fieldSelector: `metadata.name=${name}` }, sink)
    this.#watched.set(id, watched)
    return watched
  }
}

function cancelled(scope: Scope): Promise<void> {
  return new Promise((resolve) => {
    if (scope.signal.aborted) return resolve()
    scope.signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
