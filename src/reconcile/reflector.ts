import { type Scope, isCancelled, messageOf } from '#base'
import { type KubeObject, apiVersionOf, isExpired, isNotFound } from '#api'
import { type ResourceClient, type SharedSpecs, parseLeanFrame } from '#client'
import { WATCH_BACK_OFF, backOffMs } from './back-off.ts'
import type { Selection } from './contract.ts'

/** Where a reflector puts what it sees. Calls come in the server's order, never two at once. */
export interface ReflectorSink<T extends KubeObject> {
  /** All there is at a version; what was there before and is not among it is gone. */
  replace(objects: readonly T[], version: string): void
  put(object: T, version: string): void
  remove(object: T, version: string): void
  /** Nothing has changed up to this version. */
  reached(version: string): void
}

const PAGE_SIZE = 500
/** A watch that ends sooner and has said nothing is taken for a failure, so that a broken server is not asked in a tight loop. */
const SHORT_WATCH_MS = 1000
const WATCH_SECONDS = { least: 300, spread: 300 }

/**
 * Keeps a sink up to date with a resource by list and watch until the scope ends; then resolves. Resumes from the last version
 * seen; lists again when that version is no longer in the server's history. Failures are logged and tried again with a growing delay.
 * A resource that the server does not have is an empty one, until it comes. `specs`: what its objects have in common is kept once.
 */
export async function reflect<T extends KubeObject>(
  scope: Scope,
  source: ResourceClient<T>,
  selection: Selection,
  sink: ReflectorSink<T>,
  specs?: SharedSpecs,
): Promise<void> {
  const typed = (object: T): T => {
    object.apiVersion ??= apiVersionOf(source.ref)
    object.kind ??= source.ref.kind
    delete object.metadata?.managedFields
    return object
  }
  const listed = (object: T): T => {
    specs?.settle(object)
    return typed(object)
  }
  let version: string | undefined
  let failures = 0
  const log = scope.log.with({ resource: source.ref.plural, group: source.ref.group })

  const listAll = async (): Promise<string> => {
    const objects: T[] = []
    let next: string | undefined
    for (;;) {
      const page = await source.list(scope, { ...selection, limit: PAGE_SIZE, continue: next })
      for (const object of page.items ?? []) objects.push(listed(object))
      next = page.metadata?.continue
      if (next === undefined || next === '') {
        const reached = page.metadata?.resourceVersion ?? ''
        sink.replace(objects, reached)
        return reached
      }
    }
  }

  const follow = async (from: string): Promise<string> => {
    let last = from
    const startedMs = scope.clock.monotonic()
    let heard = false
    const timeoutSeconds = WATCH_SECONDS.least + Math.floor(scope.random.float() * WATCH_SECONDS.spread)
    try {
      for await (const event of source.watch(scope, {
        ...selection,
        resourceVersion: from,
        allowBookmarks: true,
        timeoutSeconds,
        read: specs?.frame ?? parseLeanFrame,
      })) {
        heard = true
        last = event.object.metadata?.resourceVersion ?? last
        version = last
        if (event.type === 'BOOKMARK') sink.reached(last)
        else if (event.type === 'DELETED') sink.remove(typed(event.object), last)
        else sink.put(typed(event.object), last)
      }
    } finally {
      if (heard) failures = 0
    }
    if (!heard && scope.clock.monotonic() - startedMs < SHORT_WATCH_MS) throw new Error('the watch ended at once')
    return last
  }

  while (!scope.signal.aborted) {
    try {
      if (version === undefined) {
        version = await listAll()
        failures = 0
      }
      version = await follow(version)
    } catch (error) {
      if (scope.signal.aborted) return
      if (isExpired(error)) version = undefined
      if (version === undefined && isNotFound(error)) sink.replace([], '')
      if (isExpired(error) && failures === 0) {
        failures = 1
        continue
      }
      failures++
      if (isNotFound(error)) log.debug('the resource is not served', { failures })
      else if (!isCancelled(error)) log.warn('list and watch failed', { error: messageOf(error), failures })
      await scope.sleep(backOffMs(WATCH_BACK_OFF, failures, scope.random)).catch(() => undefined)
    }
  }
}
