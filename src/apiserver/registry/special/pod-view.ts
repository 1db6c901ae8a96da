import { refs, statusError } from '#api'
import type { RequestContext } from '../context.ts'
import type { View } from '../view.ts'

/** The pods, for handlers below them. */
export function podView({ core }: RequestContext): View {
  const { group, version, plural } = refs.pods
  const resource = core.catalog.find(group, version, plural)
  if (resource === undefined) throw statusError.notFound(refs.pods, '')
  return core.views.of(resource)
}
