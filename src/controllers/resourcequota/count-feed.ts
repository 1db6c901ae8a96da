import type { KubeObject } from '#api'
import type { ReflectorSink } from '#reconcile'

/** Any object: only the number counts. */
const ONE: KubeObject = Object.freeze({})

/** Follows which objects of one resource there are, and nothing of what they are. */
export class CountFeed implements ReflectorSink<KubeObject> {
  readonly #names = new Map<string, Set<string>>()
  readonly #removed: (namespace: string) => void
  readonly #onSynced: () => void
  version = ''
  synced = false

  /** `removed` is told when objects of a namespace have gone. */
  constructor(removed: (namespace: string) => void, onSynced: () => void) {
    this.#removed = removed
    this.#onSynced = onSynced
  }

  *list(namespace: string): Iterable<KubeObject> {
    for (let left = this.#names.get(namespace)?.size ?? 0; left > 0; left--) yield ONE
  }

  replace(objects: readonly KubeObject[], version: string): void {
    const before = new Set(this.#names.keys())
    this.#names.clear()
    for (const object of objects) this.put(object, version)
    this.version = version
    if (this.synced) for (const namespace of before) this.#removed(namespace)
    if (this.synced) return
    this.synced = true
    this.#onSynced()
  }

  put({ metadata }: KubeObject, version: string): void {
    const { namespace = '', name = '' } = metadata ?? {}
    const names = this.#names.get(namespace)
    if (names === undefined) this.#names.set(namespace, new Set([name]))
    else names.add(name)
    this.version = version
  }

  remove({ metadata }: KubeObject, version: string): void {
    const { namespace = '', name = '' } = metadata ?? {}
    const names = this.#names.get(namespace)
    names?.delete(name)
    if (names?.size === 0) this.#names.delete(namespace)
    this.version = version
    this.#removed(namespace)
  }

  reached(version: string): void {
    this.version = version
  }
}
