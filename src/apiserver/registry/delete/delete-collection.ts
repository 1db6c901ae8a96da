import type { HttpResponse } from '#base'
import { StatusError } from '#api'
import { listAnswer } from '../../respond/objects.ts'
import { listPage } from '../../watchcache/lists/list-page.ts'
import type { RequestContext } from '../context.ts'
import { deleteOptions } from './delete-options.ts'
import { deleteObject } from './delete.ts'
import { listRequest } from '../read/list-options.ts'
import { requestFields } from '../request-fields.ts'
import type { View } from '../view.ts'

/** Objects that one request deletes side by side. */
const WORKERS = 16

/** Deletes what a list with the same parameters would show, and answers with that list. The first refusal ends it. */
export async function deleteCollection(context: RequestContext, view: View, namespace: string): Promise<HttpResponse> {
  const { core, info, scope } = context
  context.begin('Delete', requestFields)
  context.accepted(false)
  const { options, selection } = listRequest(view, namespace, info.query, false)
  const deletion = await deleteOptions(context)
  const page = await listPage(
    scope,
    { cache: view.cache, hub: core.caches.hub, engine: core.engine, pages: core.caches.pages },
    { ...options, selection, prepare: (entries) => view.prepare(scope, entries) },
  )
  const converting = view.prepare(context.scope, page.entries)
  if (converting !== undefined) await converting
  let next = 0
  const work = async (): Promise<void> => {
    for (let entry = page.entries[next++]; entry !== undefined; entry = page.entries[next++]) {
      try {
        await deleteObject(context, { view, namespace: entry.namespace, name: entry.name, options: deletion, isOfCollection: true })
      } catch (error) {
        // Somebody else has deleted it: that was the wish.
        if (!(error instanceof StatusError && error.status.code === 404)) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(WORKERS, page.entries.length) }, work))
  return listAnswer(context, view, page)
}
