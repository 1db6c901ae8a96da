import { type KubeObject, statusError } from '#api'
import type { Entry } from '../../watchcache/entry.ts'
import type { RequestContext } from '../context.ts'
import type { View } from '../view.ts'
import { cacheKey } from '../views.ts'
import { OPTIMISTIC_LOCK, checkSize, commitPut, present } from '../write/write-object.ts'

const MAX_ATTEMPTS = 50

/**
 * Changes a stored object on somebody's behalf, without the rules and field owners of a client's own update. `change` returns the
 * next object, made from a shared one that it must not touch; it may throw, and runs again when somebody else was faster. Throws `StatusError` 404, 409.
 */
export async function changeStored<T extends KubeObject>(
  context: RequestContext,
  view: View,
  namespace: string,
  name: string,
  dryRun: boolean,
  change: (old: T, entry: Entry) => T,
): Promise<T> {
  const key = cacheKey(view.resource, namespace, name)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const entry = await present(context, view, key)
    if (entry === undefined) throw statusError.notFound(view.resource, name)
    const next = change(view.object(entry) as T, entry)
    const encoded = view.encode(next)
    checkSize(encoded)
    if (dryRun || view.stored(encoded, entry.revision).equals(entry.bytes)) return next
    if ((await commitPut(context, view, key, entry.revision, encoded)) !== undefined) return next
    context.scope.check()
  }
  throw statusError.conflict(view.resource, name, OPTIMISTIC_LOCK)
}
