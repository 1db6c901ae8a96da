import { type KubeObject, statusError } from '#api'
import type { AdmissionRequest, GuardedChange } from '../../contract.ts'
import type { Entry } from '../../watchcache/entry.ts'
import type { RequestContext } from '../context.ts'
import { noteUpdate } from './managed.ts'
import { metaOf } from './object-rules.ts'
import type { View } from '../view.ts'
import { cacheKey } from '../views.ts'
import { COMPANION_CHANGED, type Companion, OPTIMISTIC_LOCK, commitPut, commitTogether } from './write-object.ts'

const MAX_ATTEMPTS = 50
/** Who writes down what the guards change. */
const MANAGER = 'kube-apiserver'

/** Stores an object with what the server's guard changes together with it. Undefined: the object is another one by now, look again. */
export async function putGuarded(
  context: RequestContext,
  request: AdmissionRequest,
  view: View,
  key: string,
  expected: number,
  encoded: Uint8Array,
): Promise<Entry | Uint8Array | undefined> {
  const { core, scope } = context
  const { guard } = core
  if (guard === undefined || !guard.handles(request)) return commitPut(context, view, key, expected, encoded)
  const leave = await guard.enter(request)
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      scope.check()
      const waiting = core.caches.hub.current()
      if (waiting !== undefined) await waiting
      const companions = guard.changes(scope, request).map((change) => companionOf(context, change))
      const stored = await commitTogether(context, view, key, expected, encoded, companions)
      if (stored !== COMPANION_CHANGED) return stored
    }
    throw statusError.conflict(view.resource, request.name, OPTIMISTIC_LOCK)
  } finally {
    leave()
  }
}

/** A dry run is refused as the write would be, and changes nothing. */
export function askGuard(context: RequestContext, request: AdmissionRequest): void {
  const { guard } = context.core
  if (guard?.handles(request)) guard.changes(context.scope, request)
}

function companionOf(context: RequestContext, { ref, old, subresource, change }: GuardedChange): Companion {
  const { catalog, views } = context.core
  const resource = catalog.find(ref.group, ref.version, ref.plural)
  if (resource === undefined) throw statusError.internal(`${ref.plural} are guarded and not served`)
  const view = views.of(resource)
  const { namespace = '', name = '', resourceVersion = '' } = metaOf(old)
  const draft: KubeObject = structuredClone(old)
  change(draft)
  noteUpdate(context, resource, old, draft, MANAGER, subresource)
  return { key: view.cache.prefix + cacheKey(resource, namespace, name), expected: Number(resourceVersion), encoded: view.encode(draft) }
}
