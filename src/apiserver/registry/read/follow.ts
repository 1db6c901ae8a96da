import type { Scope } from '#base'
import type { ResourceRef } from '#api'
import type { Catalog } from '../catalog.ts'
import type { Views } from '../views.ts'

/** Calls `changed` after each change of an object of the resource, until the scope ends. In the midst of a write: it only takes note. */
export type Follow = (scope: Scope, ref: ResourceRef, changed: () => void) => void

export function cacheFollow(catalog: Catalog, views: Views): Follow {
  return (scope, ref, changed) => {
    const resource = catalog.find(ref.group, ref.version, ref.plural)
    if (resource === undefined) return
    const { cache } = views.of(resource)
    const listener = { onEvent: changed, onReset: changed }
    cache.listen(listener)
    scope.signal.addEventListener('abort', () => cache.unlisten(listener), { once: true })
  }
}
