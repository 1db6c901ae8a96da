import { type KubeObject, statusError } from '#api'
import type { Entry } from '../../watchcache/entry.ts'
import type { RequestContext } from '../context.ts'
import type { View } from '../view.ts'

/** What has been stored, or would have been. */
export interface Written {
  /** As it is sent. */
  readonly bytes: Buffer
  readonly object: KubeObject
  readonly created: boolean
  /** There when the object is in the cache in this form. */
  readonly entry: Entry | undefined
  /** The update has let go of a deleted object, which is no longer there. */
  readonly removed?: boolean
}

/** Another object that is written in the same transaction, by its key in the store. */
export interface Companion {
  readonly key: string
  readonly expected: number
  readonly encoded: Uint8Array
}
/** The object is as expected, a companion is not. */
export const COMPANION_CHANGED = Symbol('a companion has changed')

/** Undefined: there is another one by now, look again. */
export async function commitPut(
  context: RequestContext,
  view: View,
  key: string,
  expected: number,
  encoded: Uint8Array,
): Promise<Entry | Uint8Array | undefined> {
  const stored = await commitTogether(context, view, key, expected, encoded, [])
  return stored === COMPANION_CHANGED ? undefined : stored
}

export async function commitTogether(
  { core, scope }: RequestContext,
  view: View,
  key: string,
  expected: number,
  encoded: Uint8Array,
  companions: readonly Companion[],
): Promise<Entry | Uint8Array | typeof COMPANION_CHANGED | undefined> {
  const storeKey = view.cache.prefix + key
  const result = await core.engine.commit({
    compare: [{ key: storeKey, modRevision: expected }, ...companions.map((one) => ({ key: one.key, modRevision: one.expected }))],
    operations: [
      { kind: 'put', key: storeKey, value: encoded },
      ...companions.map((one) => ({ kind: 'put', key: one.key, value: one.encoded }) as const),
    ],
    ...(companions.length === 0 ? {} : { otherwiseGet: [storeKey] }),
    ...(scope.span === undefined ? {} : { span: scope.span }),
  })
  const waiting = core.caches.hub.reached(result.revision)
  if (waiting !== undefined) await waiting
  if (!result.succeeded) {
    const isAsExpected = companions.length > 0 && (result.otherwise[0]?.modRevision ?? 0) === expected
    return isAsExpected ? COMPANION_CHANGED : undefined
  }
  const entry = view.cache.get(key)
  return entry?.revision === result.revision ? entry : view.stored(encoded, result.revision)
}

/** False: it has changed by now, look again. */
export async function commitDelete(
  { core, scope }: RequestContext,
  view: View,
  key: string,
  expected: number,
): Promise<number | undefined> {
  const storeKey = view.cache.prefix + key
  const result = await core.engine.commit({
    compare: [{ key: storeKey, modRevision: expected }],
    operations: [{ kind: 'delete', key: storeKey }],
    ...(scope.span === undefined ? {} : { span: scope.span }),
  })
  const waiting = core.caches.hub.reached(result.revision)
  if (waiting !== undefined) await waiting
  return result.succeeded ? result.revision : undefined
}

/** The newest state of an object. */
export async function present(context: RequestContext, view: View, key: string): Promise<Entry | undefined> {
  const { core } = context
  const loading = view.cache.ready()
  if (loading !== undefined) await loading
  const waiting = core.caches.hub.current()
  if (waiting !== undefined) await waiting
  return prepared(context, view, view.cache.get(key))
}

/** An entry that anything may be asked about. */
export async function prepared(context: RequestContext, view: View, entry: Entry | undefined): Promise<Entry | undefined> {
  const converting = entry === undefined ? undefined : view.prepare(context.scope, [entry])
  if (converting !== undefined) await converting
  return entry
}

export const OPTIMISTIC_LOCK = 'the object has been modified; please apply your changes to the latest version and try again'

/** Objects that would not fit into etcd, refused in its words. */
const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024
export function checkSize(encoded: Uint8Array): void {
  if (encoded.length > MAX_OBJECT_BYTES) throw statusError.tooLarge(`etcdserver: request is too large`)
}
