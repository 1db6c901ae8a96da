import type { Scope } from '#base'
import type { KubeObject, ResourceRef } from '#api'
import type { Informer, ReflectorSink } from '#reconcile'
import type { Findings, OwnerGraph } from './graph.ts'

/** Feeds the graph with the metadata of one resource and remembers which objects are from here. */
export class ResourceFeed implements ReflectorSink<KubeObject> {
  readonly #ref: ResourceRef
  readonly #graph: OwnerGraph
  readonly #act: (findings: Findings) => void
  readonly #onSynced: () => void
  #uids = new Set<string>()
  #synced = false

  constructor(ref: ResourceRef, graph: OwnerGraph, act: (findings: Findings) => void, onSynced: () => void) {
    this.#ref = ref
    this.#graph = graph
    this.#act = act
    this.#onSynced = onSynced
  }

  get synced(): boolean {
    return this.#synced
  }
  uids(): readonly string[] {
    return [...this.#uids]
  }

  /** Reads along with an informer of the whole resource: its objects are received and parsed once for all. */
  readAlong(scope: Scope, informer: Informer<KubeObject>): void {
    informer.onChange(({ old, now }) => {
      if (scope.signal.aborted) return
      if (old !== undefined && old.metadata?.uid !== now?.metadata?.uid) this.remove(old)
      if (now !== undefined) this.put(now)
    })
    informer.waitForSync(scope).then(
      () => this.#allIsIn(),
      () => undefined,
    )
  }

  replace(objects: readonly KubeObject[]): void {
    const before = this.#uids
    this.#uids = new Set(objects.map((object) => object.metadata?.uid ?? ''))
    for (const object of objects) this.#act(this.#graph.put(this.#ref, object))
    for (const uid of before) if (!this.#uids.has(uid)) this.#act(this.#graph.remove(uid))
    this.#allIsIn()
  }

  #allIsIn(): void {
    if (this.#synced) return
    this.#synced = true
    this.#onSynced()
  }

  put(object: KubeObject): void {
    this.#uids.add(object.metadata?.uid ?? '')
    this.#act(this.#graph.put(this.#ref, object))
  }

  remove(object: KubeObject): void {
    const uid = object.metadata?.uid ?? ''
    this.#uids.delete(uid)
    this.#act(this.#graph.remove(uid))
  }

  reached(): void {
    // The graph has no use for versions: it asks the server before it acts.
  }
}
