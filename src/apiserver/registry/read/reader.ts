import type { KubeObject, ResourceRef } from '#api'
import { UserError } from '#base'
import type { StartReader } from '../../contract.ts'
import type { Catalog } from '../catalog.ts'
import { type View } from '../view.ts'
import { type Views, cacheKey } from '../views.ts'
import { EVERYTHING } from '../../watchcache/lists/selection.ts'

/** Reads for the server's own parts, straight from the caches. */
export function cacheReader(catalog: Catalog, views: Views): StartReader {
  /** Undefined when the kind is not served: then there are no objects of it. */
  const viewOf = (ref: ResourceRef): View | undefined => {
    const resource = catalog.find(ref.group, ref.version, ref.plural)
    if (resource === undefined) return undefined
    const view = views.of(resource)
    if (!view.cache.isReady && view.cache.ready() !== undefined) {
      throw new UserError(`the ${ref.plural} have not been read from the store yet`, 'wait for the server to be ready')
    }
    return view
  }
  return {
    get<T extends KubeObject>(ref: ResourceRef<T>, namespace: string, name: string) {
      const view = viewOf(ref)
      const entry = view?.cache.get(cacheKey(view.resource, namespace, name))
      return view === undefined || entry === undefined ? undefined : (view.object(entry) as T)
    },
    peek<T extends KubeObject>(ref: ResourceRef<T>, namespace: string, name: string) {
      const resource = catalog.find(ref.group, ref.version, ref.plural)
      if (resource === undefined) return undefined
      const view = views.of(resource)
      const entry = view.cache.peek(cacheKey(resource, namespace, name))
      return entry === undefined ? undefined : (view.object(entry) as T)
    },
    list<T extends KubeObject>(ref: ResourceRef<T>, namespace = '') {
      const view = viewOf(ref)
      if (view === undefined) return []
      return view.cache.select({ ...EVERYTHING, namespace }).map((entry) => view.object(entry) as T)
    },
    version: (ref) => viewOf(ref)?.cache.lastChange ?? 0,
    select<T extends KubeObject>(ref: ResourceRef<T>, field: string, value: string) {
      const view = viewOf(ref)
      if (view === undefined) return []
      const slot = view.cache.fieldSlot(field)
      if (slot === undefined) throw new UserError(`${ref.plural} cannot be selected by ${field}`)
      return view.cache
        .select({ ...EVERYTHING, fields: [{ path: field, equal: true, value, slot }] })
        .map((entry) => view.object(entry) as T)
    },
  }
}
