import { type KubeObject, type ResourceRef, statusError } from '#api'
import type { RequestContext } from '../registry/context.ts'
import { cacheKey } from '../registry/views.ts'
import { present } from '../registry/write/write-object.ts'

/** An object as it is stored now: shared and read only. Throws `StatusError` 404. */
export async function storedObject<T extends KubeObject>(
  context: RequestContext,
  ref: ResourceRef<T>,
  namespace: string,
  name: string,
): Promise<T> {
  const { core } = context
  const resource = core.catalog.find(ref.group, ref.version, ref.plural)
  const view = resource && core.views.of(resource)
  const entry = view && (await present(context, view, cacheKey(view.resource, namespace, name)))
  if (view === undefined || entry === undefined) throw statusError.notFound(ref, name)
  return view.object(entry) as T
}
