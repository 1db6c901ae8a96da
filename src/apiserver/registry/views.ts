import { type Resource } from '#api'
import { UserError } from '#base'
import type { CacheSet } from '../watchcache/cache-set.ts'
import type { Catalog } from './catalog.ts'
import { type ConvertBatch, View } from './view.ts'

/** The view of each served resource that is stored. */
export class Views {
  readonly #catalog: Catalog
  readonly #caches: CacheSet
  readonly #convert: ConvertBatch
  readonly #views = new WeakMap<Resource, View>()

  constructor(catalog: Catalog, caches: CacheSet, convert: ConvertBatch) {
    this.#catalog = catalog
    this.#caches = caches
    this.#convert = convert
  }

  of(resource: Resource): View {
    const known = this.#views.get(resource)
    if (known !== undefined) return known
    const { storage } = resource
    if (storage === undefined) throw new UserError(`${resource.plural} are not stored`)
    const stored =
      resource.conversion === undefined
        ? resource
        : (resource.conversion.stored ?? this.#catalog.findKind(storage.group, storage.version, storage.kind))
    if (stored === undefined)
      throw new UserError(`${resource.plural} are stored as ${storage.kind} ${storage.version}, which is not served`)
    const view = new View(resource, this.#caches.of(stored, storage.prefix), this.#caches.known, this.#convert)
    this.#views.set(resource, view)
    return view
  }
}

/** The key of an object within its cache. */
export function cacheKey(resource: Resource, namespace: string, name: string): string {
  return resource.namespaced ? `${namespace}/${name}` : name
}
