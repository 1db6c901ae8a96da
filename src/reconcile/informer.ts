import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, keyOf } from '#api'
import type { Change, Informer } from './contract.ts'
import type { ReflectorSink } from './reflector.ts'
import { compareVersions } from './versions.ts'

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[]
  readonly keysByValue: Map<string, Set<string>>
}

const NONE: ReadonlySet<string> = new Set()
const NAMESPACE_INDEX = ' namespace'

/** The cache behind an informer: the reflector writes it, everyone else reads it. */
export class InformerCache<T extends KubeObject> implements Informer<T>, ReflectorSink<T> {
  readonly ref: ResourceRef<T>
  readonly #seal: (object: T) => T
  readonly #objects = new Map<string, T>()
  readonly #indexes = new Map<string, Index<T>>()
  readonly #notices: ((change: Change<T>) => void)[] = []
  #waiting: (() => void)[] = []
  #synced = false
  #version = ''

  /** `seal` is applied to each object before it is shown: tests freeze them. */
  constructor(ref: ResourceRef<T>, seal: (object: T) => T = (object) => object) {
    this.ref = ref
    this.#seal = seal
    this.addIndex(NAMESPACE_INDEX, (object) => [object.metadata?.namespace ?? ''])
  }

  get synced(): boolean {
    return this.#synced
  }
  get version(): string {
    return this.#version
  }

  waitForSync(scope: Scope): Promise<void> {
    if (this.#synced) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(scope.signal.reason)
      if (scope.signal.aborted) return stop()
      scope.signal.addEventListener('abort', stop, { once: true })
      this.#waiting.push(() => {
        scope.signal.removeEventListener('abort', stop)
        resolve()
      })
    })
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex(NAMESPACE_INDEX, namespace)
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index)
    if (found === undefined) throw new Error(`the informer of ${this.ref.plural} has no index "${index}"`)
    const objects: T[] = []
    for (const key of found.keysByValue.get(value) ?? NONE) {
      const object = this.#objects.get(key)
      if (object !== undefined) objects.push(object)
    }
    return objects
  }

  addIndex(index: string, valuesOf: (object: T) => readonly string[]): void {
    const there = this.#indexes.get(index)
    if (there !== undefined) {
      // Whoever shares the informer shares its indexes: one name cannot mean two things. The same code means the same.
      if (String(there.valuesOf) !== String(valuesOf))
        throw new Error(`the index '${index}' of ${this.ref.plural} has another meaning already`)
      return
    }
    const added: Index<T> = { valuesOf, keysByValue: new Map() }
    this.#indexes.set(index, added)
    for (const [key, object] of this.#objects) link(added, key, object)
  }

  onChange(notice: (change: Change<T>) => void): void {
    this.#notices.push(notice)
    for (const [key, now] of this.#objects) notice({ key, old: undefined, now })
  }

  replace(objects: readonly T[], version: string): void {
    const changes: Change<T>[] = []
    const present = new Set<string>()
    for (const object of objects) {
      const key = keyOf(object)
      present.add(key)
      const old = this.#objects.get(key)
      if (old?.metadata?.resourceVersion === object.metadata?.resourceVersion && old?.metadata?.uid === object.metadata?.uid) continue
      changes.push(this.#store(key, old, object))
    }
    for (const [key, old] of this.#objects) if (!present.has(key)) changes.push(this.#drop(key, old))
    this.#version = version
    for (const change of changes) this.#tell(change)
    this.#synced = true
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  put(object: T, version: string): void {
    const key = keyOf(object)
    const old = this.#objects.get(key)
    this.reached(version)
    if (old !== undefined && compareVersions(object.metadata?.resourceVersion ?? '', old.metadata?.resourceVersion ?? '') <= 0) return
    this.#tell(this.#store(key, old, object))
  }

  remove(object: T, version: string): void {
    const key = keyOf(object)
    const old = this.#objects.get(key)
    this.reached(version)
    if (old === undefined || compareVersions(object.metadata?.resourceVersion ?? '', old.metadata?.resourceVersion ?? '') < 0) return
    this.#tell(this.#drop(key, old))
  }

  reached(version: string): void {
    if (compareVersions(version, this.#version) > 0) this.#version = version
  }

  #store(key: string, old: T | undefined, object: T): Change<T> {
    const now = this.#seal(object)
    this.#objects.set(key, now)
    for (const index of this.#indexes.values()) {
      if (old !== undefined) unlink(index, key, old)
      link(index, key, now)
    }
    return { key, old, now }
  }

  #drop(key: string, old: T): Change<T> {
    this.#objects.delete(key)
    for (const index of this.#indexes.values()) unlink(index, key, old)
    return { key, old, now: undefined }
  }

  #tell(change: Change<T>): void {
    for (const notice of this.#notices) notice(change)
  }
}

function link<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const keys = index.keysByValue.get(value)
    if (keys === undefined) index.keysByValue.set(value, new Set([key]))
    else keys.add(key)
  }
}

function unlink<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const keys = index.keysByValue.get(value)
    keys?.delete(key)
    if (keys?.size === 0) index.keysByValue.delete(value)
  }
}
